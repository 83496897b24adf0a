import Manifests

extension SchemaVersion {
  /// Reads a configuration's `apiVersion`, and checks its `kind`.
  static func read(_ root: YAMLNode, _ diagnostics: inout [Diagnostic]) -> SchemaVersion? {
    guard let node = root["apiVersion"], let text = try? node.string() else {
      diagnostics.append(
        root.error(
          "apiVersion is missing", remedy: "begin with apiVersion: skaffold/… ; this file may be no skaffold.yaml"))
      return nil
    }
    let readable = "devtunnel knows \(ranges(SchemaVersion.readable))"
    guard let version = SchemaVersion(text) else {
      diagnostics.append(node.error("the schema '\(text)' is not known", remedy: readable))
      return nil
    }
    guard version >= .oldest else {
      diagnostics.append(
        node.error("the schema \(version) is too old", remedy: "\(readable); 'skaffold fix' brings the file up to date")
      )
      return nil
    }
    if let kind = root["kind"], (try? kind.string()) != "Config" {
      diagnostics.append(kind.error("kind must be Config", remedy: "write kind: Config"))
    }
    return version
  }

  /// `skaffold/v2beta1 to v2beta29, …`
  private static func ranges(_ versions: [SchemaVersion]) -> String {
    var groups: [(first: String, last: String)] = []
    func series(_ name: String) -> String { String(name.reversed().drop { $0.isNumber }.reversed()) }
    for version in versions {
      if let last = groups.last, series(last.last) == series(version.name), series(version.name) != "v" {
        groups[groups.count - 1].last = version.name
      } else {
        groups.append((version.name, version.name))
      }
    }
    return groups.map { $0.first == $0.last ? "skaffold/\($0.first)" : "skaffold/\($0.first) to \($0.last)" }.joined(
      separator: ", ")
  }
}
