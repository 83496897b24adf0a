import KubeObjects
import Manifests
import Testing

struct ManifestReaderTests {
  private func parse(_ text: String) throws -> [Manifest] {
    var warnings: [Diagnostic] = []
    return try ManifestReader.parse(text, file: "a.yaml", warnings: &warnings)
  }

  @Test("Documents and Lists give objects in their order, each with its place")
  func documents() throws {
    let manifests = try parse(
      """
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: a, namespace: shop}
      ---
      # nothing
      ---
      apiVersion: v1
      kind: List
      items:
      - apiVersion: apps/v1
        kind: Deployment
        metadata: {name: b}
      - {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
      """)
    #expect(manifests.map(\.id.description) == ["Service shop/a", "Deployment b", "ConfigMap c"])
    #expect(manifests.map(\.position?.line) == [2, 11, 14])
    #expect(manifests[1].id == ObjectID(apiVersion: "apps/v1", kind: "Deployment", namespace: nil, name: "b"))
  }

  @Test("JSON is read too")
  func json() throws {
    #expect(
      try parse(#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "yes"}}"#)
        .first?.object["stringData"] == ["a": "yes"])
  }

  @Test("Every document that is no object is reported, not the first only")
  func problems() throws {
    let error = try #require(throws: InputError.self) {
      try parse(
        """
        - a
        ---
        kind: Service
        metadata: {name: x}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {labels: {}}
        ---
        apiVersion: v1
        kind: [Pod]

        """
      )
    }
    #expect(error.diagnostics.map(\.position?.line) == [1, 3, 8, 11], "\(error)")
    #expect(error.diagnostics[2].message.contains("metadata.name"))
  }

  @Test("A file that is not there is named")
  func missing() throws {
    var warnings: [Diagnostic] = []
    let error = try #require(throws: InputError.self) {
      try ManifestReader.read("/nowhere/a.yaml", warnings: &warnings)
    }
    #expect(error.diagnostics.map { $0.message.contains("/nowhere/a.yaml") } == [true])
  }
}
