import FoundationEssentials
import KubeObjects
import Manifests
import Testing

@testable import Deploy

struct DuplicatesTests {
  private func pod(_ container: String, _ more: String = "") throws -> JSONValue {
    let text = #"{"kind": "Pod", "spec": {"containers": [{"name": "web", "image": "a", \#(container)}]\#(more)}}"#
    return try JSONValue(parsing: Array(text.utf8))
  }

  private func container(_ object: JSONValue) -> JSONValue? { object["spec"]?["containers"]?.elements.first }

  @Test func ofAVariableThatIsThereTwiceTheLastOneCounts() throws {
    let found = Duplicates(
      try pod(#""env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "A", "value": "3"}]"#))
    #expect(
      container(found.object)?["env"]?.elements.map { $0["value"]?.stringValue } == ["2", "3"] && !found.remain)
    #expect(found.findings.map(\.what) == ["the environment variable A of container web"])
    #expect(found.findings[0].path == ["spec", "containers", "0", "env", "2"])
  }

  static let ports: [(ports: String, names: [String?], findings: Int, remain: Bool)] = [
    (#"{"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "b"}"#, ["a", "b"], 0, false),
    (#"{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}"#, [nil, nil], 0, false),
    (#"{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP", "name": "b"}"#, ["b"], 1, false),
    (#"{"containerPort": 80, "name": "a"}, {"containerPort": 80}"#, ["a"], 1, false),
    (#"{"containerPort": 80, "name": "a"}, {"containerPort": 80, "name": "b"}"#, ["a", "b"], 1, true),
  ]

  @Test(arguments: ports)
  func aPortsNamesAreKept(row: (ports: String, names: [String?], findings: Int, remain: Bool)) throws {
    let found = Duplicates(try pod("\"ports\": [\(row.ports)]"))
    #expect(container(found.object)?["ports"]?.elements.map { $0["name"]?.stringValue } == row.names)
    #expect(found.findings.count == row.findings && found.remain == row.remain)
  }

  @Test func pullSecretsToo_andAServicesPortsNever() throws {
    let found = Duplicates(try pod("\"x\": 1", #", "imagePullSecrets": [{"name": "s"}, {"name": "s"}, {"name": "t"}]"#))
    #expect(found.object["spec"]?["imagePullSecrets"]?.elements.count == 2 && found.findings.count == 1)
    let service = try JSONValue(
      parsing: Array(
        #"{"kind": "Service", "spec": {"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}}"#
          .utf8))
    #expect(Duplicates(service).object == service && Duplicates(service).findings.isEmpty)
  }

  @Test func aWarningHasTheEntrysOwnLine() throws {
    let file = FileManager.default.temporaryDirectory.path + "/duplicates-\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let text = """
      apiVersion: v1
      kind: Service
      metadata: {name: s}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: p}
      spec:
        containers:
        - name: web
          image: a
          env:
          - {name: A, value: "1"}
          - {name: A, value: "2"}

      """
    try Data(text.utf8).write(to: URL(filePath: file))
    var warnings: [Diagnostic] = []
    let manifest = try ManifestReader.read(file, warnings: &warnings)[1]
    #expect(
      Duplicates(manifest.object).warnings(manifest.id, manifest.position) == [
        "\(file):14:7: Pod p: the environment variable A of container web is there twice: the last one counts"
      ])
    // A file that is gone has no lines.
    #expect(
      Duplicates(manifest.object).warnings(manifest.id, SourcePosition(file: "/gone.yaml", line: 3)).first?.hasPrefix(
        "/gone.yaml:3: Pod p: ") == true)
  }

  @Test func anUpdateKeepsTheFieldsThatNoManifestSets() throws {
    let old = try JSONValue(parsing: Array(#"{"a": {"x": 1, "y": [1, 2]}, "b": 2}"#.utf8))
    let new = try JSONValue(parsing: Array(#"{"a": {"y": [3]}, "c": 3}"#.utf8))
    let laid = try JSONValue(parsing: Array(#"{"a": {"x": 1, "y": [3]}, "b": 2, "c": 3}"#.utf8))
    #expect(Deployer.laid(new, over: old) == laid)
  }
}
