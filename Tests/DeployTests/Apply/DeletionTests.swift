import KubeAPI
import Manifests
import Testing

@testable import Deploy

struct DeletionTests {
  private static func id(_ kind: String, _ name: String) -> ObjectID {
    ObjectID(apiVersion: "v1", kind: kind, namespace: "shop", name: name)
  }

  private static let refused = KubeError.status(code: 403, reason: "Forbidden", message: "may not", details: nil)

  @Test("A refusal hides neither the objects that are gone nor the other refusals")
  func refusals() {
    var deletion = Deletion()
    let answers = [("a", nil), ("b", Self.refused), ("c", nil), ("d", Self.refused)]
    #expect(answers.map { deletion.note(Self.id("Service", $0), $1) } == [true, false, true, false])
    let error = #expect(throws: DeployError.self) { try deletion.get() }
    #expect(error?.object == Self.id("Service", "b") && error?.code == .forbidden)
    #expect(error?.others.map(\.object) == [Self.id("Service", "d")])
    #expect(error?.deleted == [Self.id("Service", "a"), Self.id("Service", "c")])
  }

  @Test("An object that is gone, or has become another's, is no refusal and was not deleted")
  func others() throws {
    var deletion = Deletion()
    let answers: [(String, KubeError?)] = [
      ("gone", .status(code: 404, reason: "NotFound", message: "", details: nil)),
      ("others", .status(code: 409, reason: "Conflict", message: "", details: nil)), ("ours", nil),
    ]
    #expect(answers.map { deletion.note(Self.id("Service", $0), $1) } == [true, true, true])
    let gone = try deletion.get()
    #expect(gone == [Self.id("Service", "ours")])
  }

  @Test("After a refusal other objects go on, but neither definitions nor namespaces")
  func phases() {
    var deletion = Deletion()
    #expect(ApplyPhase.allCases.filter { deletion.allows($0) } == ApplyPhase.allCases)
    _ = deletion.note(Self.id("Service", "d"), Self.refused)
    #expect(ApplyPhase.allCases.filter { deletion.allows($0) } == [.supports, .workloads, .admission])
  }
}
