import KubeObjects
import Testing

@testable import Deploy

struct RunningContainerTests {
  @Test("Only containers that run are meant, and a Pod without a name has none")
  func running() {
    var pod: JSONValue = [
      "metadata": ["name": "web-1", "namespace": "shop"],
      "spec": [
        "containers": [["name": "app", "image": "app:1"], ["name": "side", "image": "side:1"]],
        "initContainers": [["name": "gate", "image": "gate:1"]],
      ],
      "status": [
        "initContainerStatuses": [["name": "gate", "containerID": "containerd://g", "state": ["running": [:]]]],
        "containerStatuses": [
          ["name": "app", "containerID": "containerd://a", "state": ["running": [:]]],
          ["name": "side", "state": ["waiting": ["reason": "ErrImagePull"]]],
        ],
      ],
    ]
    #expect(
      RunningContainer.all(of: pod) == [
        .init(
          namespace: "shop", pod: "web-1", name: "app", image: "app:1", instance: "containerd://a", isInit: false),
        .init(
          namespace: "shop", pod: "web-1", name: "gate", image: "gate:1", instance: "containerd://g", isInit: true),
      ])
    pod.name = nil
    #expect(RunningContainer.all(of: pod).isEmpty)
  }
}
