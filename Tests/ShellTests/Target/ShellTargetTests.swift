import ControlAPI
import KubeAPI
import KubeObjects
import Testing

@testable import Shell

@Suite struct ShellTargetTests {
  @Test(arguments: [
    ("deploy/user", "deployments"), ("StatefulSet/db", "statefulsets"), ("ds/log", "daemonsets"),
    ("rs/x", "replicasets"), ("pod/user-0", "pods"), ("rc/x", "replicationcontrollers"), ("job/x", "jobs"),
    ("cj/x", "cronjobs"),
  ])
  func readsKubectlsSpellings(text: String, plural: String) throws {
    let (resource, name) = try ShellTarget.parse(text)
    #expect(resource.plural == plural)
    #expect(!name.isEmpty)
  }

  @Test(arguments: ["user", "deploy/", "/user", "rollout/user", "deploy/a/b", ""])
  func refusesOthers(text: String) { #expect(throws: ControlError.self) { try ShellTarget.parse(text) } }

  @Test func thePortsAreThoseOfThePodsAndTheTakenOnesAlone() {
    let service: JSONValue = [
      "spec": [
        "ports": [
          ["name": "http", "port": 80, "targetPort": "web"], ["name": "stats", "port": 9102],
          ["port": 1, "targetPort": "x"],
        ]
      ]
    ]
    let template: JSONValue = ["spec": ["containers": [["ports": [["name": "web", "containerPort": 8080]]]]]]
    #expect(ShellTarget.ports(of: service, [], in: template) == [8080, 9102])
    #expect(ShellTarget.ports(of: service, [PortMapping(local: 1, remote: "9102")], in: template) == [9102])
    #expect(ShellTarget.ports(of: service, [PortMapping(local: 1, remote: "http")], in: template) == [8080])
    #expect(ShellTarget.ports(of: service, [PortMapping(local: 1)], in: template) == [8080, 9102])
  }
}
