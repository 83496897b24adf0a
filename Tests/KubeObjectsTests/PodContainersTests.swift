import KubeObjects
import Testing

struct PodContainersTests {
  private let pod: JSONValue = [
    "spec": [
      "initContainers": [
        ["name": "migrate", "ports": [["name": "admin", "containerPort": 7000]]],
        [
          "name": "stats", "restartPolicy": "Always",
          "ports": [["name": "stats", "containerPort": 9102], ["name": "web", "containerPort": 9999]],
        ],
      ],
      "containers": [
        [
          "name": "app",
          "ports": [
            ["name": "dns", "containerPort": 53, "protocol": "UDP"], ["name": "dns", "containerPort": 5353],
            ["name": "web", "containerPort": 8080], ["name": "none", "containerPort": 0],
            ["name": "large", "containerPort": 70_000],
          ],
        ],
        ["name": "gate"],
      ],
    ]
  ]

  @Test("Sidecars run beside the ordinary containers; an init container that ends does not")
  func running() {
    #expect(pod.runningContainers.compactMap { $0["name"]?.stringValue } == ["app", "gate", "stats"])
    #expect(JSONValue.null.runningContainers.isEmpty)
  }

  @Test(
    "A named port is the first of that name and transport",
    arguments: [
      ("web", "TCP", 8080), ("stats", "TCP", 9102), ("admin", "TCP", nil), ("dns", "TCP", 5353), ("dns", "UDP", 53),
      ("none", "TCP", nil), ("large", "TCP", nil), ("", "TCP", nil),
    ] as [(String, String, UInt16?)])
  func named(name: String, transport: String, number: UInt16?) {
    #expect(pod.declaredPort(named: name, transport: transport) == number)
  }
}
