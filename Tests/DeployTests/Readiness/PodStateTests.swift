import KubeObjects
import Testing

@testable import Deploy

struct PodStateTests {
  private func pod(_ status: JSONValue, phase: String = "Pending") -> JSONValue {
    var pod: JSONValue = [
      "kind": "Pod", "metadata": ["name": "user-1", "uid": "u", "generation": 1], "spec": ["nodeName": "n"],
      "status": ["phase": JSONValue(phase)],
    ]
    pod[path: "status", "containerStatuses"] = [status]
    return pod
  }

  private func waiting(_ reason: String, _ message: String, restarts: Int = 0, exit: Int? = nil) -> JSONValue {
    var status: JSONValue = [
      "name": "app", "image": "shop/user:1", "restartCount": JSONValue(restarts),
      "state": ["waiting": ["reason": JSONValue(reason), "message": JSONValue(message)]],
    ]
    if let exit { status["lastState"] = ["terminated": ["exitCode": JSONValue(exit), "reason": "Error"]] }
    return pod(status)
  }

  @Test(
    "Recognises states that waiting cannot fix",
    arguments: [
      ("ErrImageNeverPull", "image is not present"), ("InvalidImageName", "bad"), ("ImagePullBackOff", "back-off"),
      ("ErrImagePull", "failed to resolve: not found"), ("CreateContainerConfigError", "secret \"db\" not found"),
      ("RunContainerError", "exec"),
    ])
  func hopeless(reason: String, message: String) {
    let state = PodState(waiting(reason, message))
    #expect(state.prospect == .hopeless)
    #expect(state.reason.contains(reason) && state.reason.contains(message))
  }

  @Test("The kubelet has not seen a new Secret yet")
  func secretNotSeenYet() {
    #expect(
      PodState(
        waiting("CreateContainerConfigError", "failed to sync secret cache: timed out waiting for the condition")
      ).prospect == .coming)
  }

  @Test("A first failure to pull may be the network's")
  func pull() { #expect(PodState(waiting("ErrImagePull", "i/o timeout")).prospect == .coming) }

  @Test("A crash may heal once others are there; it names exit code and container")
  func crash() {
    let state = PodState(waiting("CrashLoopBackOff", "back-off 10s", restarts: 1, exit: 3))
    #expect(state.prospect == .doubtful)
    #expect(state.reason.contains("exit code 3"))
    #expect(state.container == "app" && state.hasRestarted)
    #expect(PodState(waiting("CrashLoopBackOff", "back-off 80s", restarts: 4, exit: 3)).prospect == .hopeless)
  }

  @Test("Ready only once the kubelet has seen the present spec")
  func ready() {
    var ready = pod(["name": "app", "state": ["running": [:]]], phase: "Running")
    ready[path: "status", "conditions"] = [["type": "Ready", "status": "True"]]
    #expect(PodState(ready).prospect == .ready)
    ready[path: "metadata", "generation"] = 2
    ready[path: "status", "observedGeneration"] = 1
    #expect(PodState(ready).prospect == .coming)
  }

  @Test("A Pod without a node says why")
  func unscheduled() {
    let pod: JSONValue = [
      "metadata": ["name": "p"],
      "status": [
        "phase": "Pending",
        "conditions": [["type": "PodScheduled", "status": "False", "message": "0/1 nodes: Insufficient cpu"]],
      ],
    ]
    #expect(PodState(pod).prospect == .doubtful)
    #expect(PodState(pod).reason.contains("Insufficient cpu"))
  }
}
