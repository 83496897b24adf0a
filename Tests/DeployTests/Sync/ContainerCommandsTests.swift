import KubeObjects
import Testing

@testable import Deploy

@Suite struct ContainerCommandsTests {
  @Test("Only containers that run are meant")
  func running() {
    let pod: JSONValue = [
      "metadata": ["name": "web-1", "namespace": "shop"],
      "spec": ["containers": [["name": "app", "image": "app:1"], ["name": "side", "image": "side:1"]]],
      "status": [
        "containerStatuses": [
          ["name": "app", "containerID": "containerd://a", "state": ["running": [:]]],
          ["name": "side", "state": ["waiting": ["reason": "ErrImagePull"]]],
        ]
      ],
    ]
    #expect(
      ContainerCommands.targets(in: pod) == [
        .init(namespace: "shop", pod: "web-1", container: "app", image: "app:1", instance: "containerd://a")
      ])
  }
}
