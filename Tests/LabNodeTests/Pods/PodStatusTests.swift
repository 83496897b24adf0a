import KubeObjects
import Testing

@testable import LabNode

struct PodStatusTests {
  private func status(
    _ spec: JSONValue, over previous: JSONValue = [:], _ change: (inout [ContainerRecord]) -> Void = { _ in }
  ) -> JSONValue {
    var records = ContainerRecord.all(of: spec)
    change(&records)
    return PodStatus(pod: ContainerEnvironmentTests.pod(spec), records: records, startTime: "t").json(over: previous)
  }

  private func condition(_ status: JSONValue, _ type: String) -> String? {
    (status["conditions"]?.elements ?? []).first { $0["type"]?.stringValue == type }?["status"]?.stringValue
  }

  private func ended(_ code: Int) -> ContainerRecord.State {
    .terminated(
      .init(exitCode: code, signal: 0, reason: "", message: "", startedAt: "", finishedAt: "", containerID: ""))
  }

  @Test func fromPendingToReady() {
    let spec: JSONValue = ["containers": [["name": "a", "image": "i"]]]
    let pending = status(spec)
    #expect(
      pending["phase"] == "Pending" && condition(pending, "Ready") == "False"
        && condition(pending, "Initialized") == "True")
    let ready = status(spec, over: pending) {
      $0[0].state = .running(since: "s")
      $0[0].isReady = true
    }
    #expect(ready["phase"] == "Running" && condition(ready, "Ready") == "True" && ready["podIP"] == "10.97.0.5")
    #expect(ready["containerStatuses"]?[0]?[path: "state", "running", "startedAt"] == "s")
  }

  @Test func initContainersHoldTheOthersBack() {
    let spec: JSONValue = [
      "initContainers": [["name": "i"], ["name": "s", "restartPolicy": "Always"]], "containers": [["name": "a"]],
    ]
    let first = status(spec)
    #expect(condition(first, "Initialized") == "False")
    #expect(first["containerStatuses"]?[0]?[path: "state", "waiting", "reason"] == "PodInitializing")
    let done = status(spec) {
      $0[0].state = ended(0)
      ($0[1].hasStarted, $0[1].state) = (true, .running(since: "s"))
    }
    #expect(condition(done, "Initialized") == "True" && done["phase"] == "Pending")
    #expect(status(spec) { $0[0].state = ended(1) }["phase"] == "Failed")
  }

  @Test func endedPods() {
    let spec: JSONValue = ["containers": [["name": "a"], ["name": "b"]]]
    #expect(status(spec) { for i in $0.indices { $0[i].state = ended(0) } }["phase"] == "Succeeded")
    #expect(status(spec) { for i in $0.indices { $0[i].state = ended(i) } }["phase"] == "Failed")
    #expect(status(spec) { $0[0].state = ended(1) }["phase"] == "Running")
  }

  @Test func readinessGatesAndForeignConditionsStay() {
    let spec: JSONValue = ["containers": [["name": "a"]], "readinessGates": [["conditionType": "x/y"]]]
    let ready: (inout [ContainerRecord]) -> Void = { $0[0].isReady = true }
    #expect(condition(status(spec, ready), "Ready") == "False")
    let opened = status(spec, over: ["conditions": [["type": "x/y", "status": "True"]]], ready)
    #expect(condition(opened, "Ready") == "True" && condition(opened, "x/y") == "True")
  }

  @Test func probesAreReadWithTheirDefaults() {
    let container: JSONValue = ["ports": [["name": "http", "containerPort": 8080]]]
    let probe = Probe(
      ["httpGet": ["port": "http", "httpHeaders": [["name": "A", "value": "b"]]], "periodSeconds": 1], in: container)
    #expect(probe.action == .http(port: 8080, path: "/", host: nil, headers: ["A: b"], isSecure: false))
    #expect(probe.period == .seconds(1) && probe.timeout == .seconds(1) && probe.failureThreshold == 3)
    var verdict = ProbeVerdict(probe, initially: true)
    #expect(
      !verdict.take(.failure("")) && !verdict.take(.failure("")) && !verdict.take(.failure("")) == false
        && !verdict.isPassing)
    #expect(verdict.take(.success) && verdict.isPassing)
    if case .unsupported(let why) = Probe(["grpc": ["port": 1]], in: container).action {
      #expect(why.contains("gRPC"))
    } else {
      Issue.record("gRPC is unsupported")
    }
  }

  @Test func mountPoints() {
    #expect(MountTable.mountPoints("1 2 0:3 / /a\\040b rw - ext4 x y\n") == ["/a b"])
  }
}
