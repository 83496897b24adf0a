import KubeObjects
import Testing

struct StatusViewsTests {
  @Test("A condition that lacks texts reads as the API's own types do")
  func conditions() {
    let object: JSONValue = [
      "status": [
        "conditions": [
          ["type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"],
          ["type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"],
          ["type": "Progressing", "status": "Unknown", "message": "slow"],
        ]
      ]
    ]
    #expect(object.isReady)
    #expect(object.conditions.map(\.text) == ["Ready", "Unschedulable: no node", "slow"])
    #expect(object.conditions.map(\.isTrue) == [true, false, false])
    #expect(object.conditions.map(\.isFalse) == [false, true, false])
    #expect(object.condition(ofType: "Ready")?.lastTransitionTime == "2026-01-01T00:00:00Z")
    #expect(object.condition(ofType: "Failed") == nil)
    #expect(!JSONValue.null.isReady)
  }

  @Test("A container's status has its present state, and the end of the instance before")
  func containers() {
    let pod: JSONValue = [
      "status": [
        "initContainerStatuses": [["name": "migrate", "state": ["running": [:]], "ready": true]],
        "containerStatuses": [
          [
            "name": "app", "image": "app:1", "containerID": "c://2", "restartCount": 3,
            "state": ["waiting": ["reason": "CrashLoopBackOff"]],
            "lastState": ["terminated": ["exitCode": 137, "signal": 9, "reason": "OOMKilled", "containerID": "c://1"]],
          ],
          ["name": "side", "containerID": "", "state": ["terminated": [:]]], ["state": ["running": [:]]],
        ],
      ]
    ]
    #expect(pod.initContainerStatuses.map(\.isRunning) == [true] && pod.initContainerStatuses[0].isReady)
    #expect(pod.containerStatuses.map(\.name) == ["app", "side"])
    let app = pod.containerStatuses[0]
    #expect(app.image == "app:1" && app.containerID == "c://2" && app.restartCount == 3)
    #expect(app.waiting?.reason == "CrashLoopBackOff" && app.waiting?.message == "" && !app.isRunning && !app.isReady)
    #expect(app.terminated == nil)
    let last = app.lastTerminated
    #expect(last?.exitCode == 137 && last?.signal == 9 && last?.reason == "OOMKilled" && last?.containerID == "c://1")
    let side = pod.containerStatuses[1]
    #expect(side.containerID == nil && side.terminated?.exitCode == -1 && side.restartCount == 0)
    #expect(pod.ephemeralContainerStatuses.isEmpty)
  }

  @Test("A Status has its code, and the causes in its details")
  func status() {
    let status = APIStatus([
      "kind": "Status", "status": "Failure", "code": 422, "reason": "Invalid", "message": "no",
      "details": ["causes": [["field": "spec.a", "message": "unknown"], ["reason": "ExitCode", "message": "3"]]],
    ])
    #expect(status.code == 422 && status.reason == "Invalid" && status.message == "no" && !status.isSuccess)
    #expect(status.details?.causes.map(\.field) == ["spec.a", ""])
    #expect(status.details?.causes.map(\.reason) == ["", "ExitCode"])
    let empty = APIStatus([:])
    #expect(empty.code == nil && empty.reason == "" && empty.message == nil && empty.details == nil)
    #expect(APIStatus(["status": "Success"]).isSuccess)
  }
}
