import KubeObjects
import Manifests

/// Entries that a manifest has twice in a list whose entries have keys. `kubectl apply` takes them, a server-side apply
/// does not.
struct Duplicates {
  /// An entry, and where it is in the object.
  struct Finding: Hashable {
    /// `environment variable BASE_PATH of container web`.
    var what: String
    /// The consequence: `the last one counts`.
    var result: String
    /// Of the entry that counts: keys, and numbers for places in lists.
    var path: [String]
  }

  /// The object without the entries that do not count.
  private(set) var object: JSONValue
  private(set) var findings: [Finding] = []
  /// True if entries remain that a server-side apply refuses: two names of one port, both of which may be in use.
  private(set) var remain = false

  init(_ object: JSONValue) {
    self.object = object
    self.object = cleaned(object, [])
  }

  private mutating func cleaned(_ value: JSONValue, _ path: [String]) -> JSONValue {
    switch value {
    case .array(let elements):
      return .array(elements.enumerated().map { cleaned($1, path + [String($0)]) })
    case .object(let members):
      var result: [String: JSONValue] = [:]
      let container = value.entryName
      for (key, child) in members.sorted(by: { $0.key < $1.key }) {
        switch child {
        case .array(let entries) where key == "env" && container != nil:
          result[key] = .array(variables(entries, path + [key], container ?? "without a name"))
        case .array(let entries) where key == "ports" && members["image"] != nil:
          result[key] = .array(ports(entries, path + [key], container ?? "without a name"))
        case .array(let entries) where key == "imagePullSecrets": result[key] = .array(secrets(entries, path + [key]))
        default: result[key] = cleaned(child, path + [key])
        }
      }
      return .object(result)
    default: return value
    }
  }

  /// The last one counts, as in the container.
  private mutating func variables(_ entries: [JSONValue], _ path: [String], _ container: String) -> [JSONValue] {
    let names = entries.map { $0["name"]?.stringValue }
    var kept: [JSONValue] = []
    for (index, entry) in entries.enumerated() {
      guard let name = names[index], let last = names.lastIndex(of: name), last != index else {
        kept.append(entry)
        continue
      }
      findings.append(
        Finding(
          what: "the environment variable \(name) of container \(container)", result: "the last one counts",
          path: path + [String(last)]))
    }
    return kept
  }

  private mutating func ports(_ entries: [JSONValue], _ path: [String], _ container: String) -> [JSONValue] {
    var kept: [JSONValue] = []
    for (index, entry) in entries.enumerated() {
      func key(_ entry: JSONValue) -> String {
        "\(entry["containerPort"] ?? .null)/\(entry.transport)"
      }
      let name = entry["name"]?.stringValue
      guard let former = kept.firstIndex(where: { key($0) == key(entry) }) else {
        kept.append(entry)
        continue
      }
      let other = kept[former]["name"]?.stringValue
      var finding = Finding(
        what: "port \(key(entry)) of container \(container)", result: "one of them counts", path: path + [String(index)]
      )
      if let name, let other, name != other {
        // Services and probes may use either name.
        kept.append(entry)
        remain = true
        finding.result = "both names, \(other) and \(name), are kept, by an update in place of a server-side apply"
      } else if other == nil {
        kept[former] = entry
      }
      findings.append(finding)
    }
    return kept
  }

  private mutating func secrets(_ entries: [JSONValue], _ path: [String]) -> [JSONValue] {
    var seen: Set<String> = []
    return entries.enumerated().filter { index, entry in
      guard let name = entry["name"]?.stringValue, !seen.insert(name).inserted else { return true }
      findings.append(
        Finding(what: "the pull secret \(name)", result: "one of them counts", path: path + [String(index)]))
      return false
    }.map(\.element)
  }

  /// Returns a warning for each, with the entry's own line where its file shows it.
  func warnings(_ id: ObjectID, _ position: SourcePosition?) -> [String] {
    guard !findings.isEmpty else { return [] }
    let node = position.flatMap(Self.node)
    return findings.map { finding in
      let place = node.flatMap { Self.position(of: finding.path[...], in: $0) } ?? position
      return "\(at: place)\(id): \(finding.what) is there twice: \(finding.result)"
    }
  }

  /// Reads the object of a file again, for its lines.
  private static func node(_ position: SourcePosition) -> YAMLNode? {
    var warnings: [Diagnostic] = []
    guard let text = try? ManifestReader.text(of: position.file),
      let documents = try? YAMLNode.documents(in: text, file: position.file, warnings: &warnings)
    else { return nil }
    return documents.lazy.compactMap { Self.node(position, in: $0) }.first
  }

  /// Lists of objects have them deeper.
  private static func node(_ position: SourcePosition, in node: YAMLNode) -> YAMLNode? {
    if node.position == position { return node }
    guard case .sequence(let elements)? = node["items"]?.content else { return nil }
    return elements.first { $0.position == position }
  }

  private static func position(of path: ArraySlice<String>, in node: YAMLNode) -> SourcePosition? {
    guard let key = path.first else { return node.position }
    switch node.content {
    case .mapping: return node[key].flatMap { position(of: path.dropFirst(), in: $0) }
    case .sequence(let elements):
      guard let index = Int(key), elements.indices.contains(index) else { return nil }
      return position(of: path.dropFirst(), in: elements[index])
    case .scalar: return nil
    }
  }
}
