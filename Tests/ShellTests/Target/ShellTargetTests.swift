import ControlAPI
import KubeAPI
import Testing

@testable import Shell

@Suite struct ShellTargetTests {
  @Test(arguments: [
    ("deploy/user", "deployments"), ("StatefulSet/db", "statefulsets"), ("ds/log", "daemonsets"),
    ("rs/x", "replicasets"),
  ])
  func readsKubectlsSpellings(text: String, plural: String) throws {
    let (resource, name) = try ShellTarget.parse(text)
    #expect(resource.plural == plural)
    #expect(!name.isEmpty)
  }

  @Test(arguments: ["user", "deploy/", "/user", "pod/user-0", "deploy/a/b", ""])
  func refusesOthers(text: String) { #expect(throws: ControlError.self) { try ShellTarget.parse(text) } }
}
