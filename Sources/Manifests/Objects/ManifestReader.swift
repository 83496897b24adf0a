import Inputs
import KubeObjects

/// Reads files of Kubernetes objects: YAML documents one after the other, or JSON, which YAML contains.
public enum ManifestReader {
  /// The greatest size of a file, in bytes.
  private static let limit = 16 << 20

  /// Reads the objects of a file in its order, `List`s unfolded, empty documents left out.
  /// - Throws: `InputError` with every document that is not an object, or the place where the text stops being YAML.
  public static func read(_ path: String, warnings: inout [Diagnostic]) throws(InputError) -> [Manifest] {
    try parse(try text(of: path), file: path, warnings: &warnings)
  }

  /// Reads a file's text; invalid UTF-8 is replaced.
  /// - Throws: `InputError` if it cannot be read.
  public static func text(of path: String) throws(InputError) -> String {
    do throws(RegularFile.Failure) {
      return try RegularFile.text(path, limit: limit)
    } catch {
      switch error {
      case .missing: throw InputError("\(path) does not exist", remedy: "correct the path, or make the file")
      case .tooLarge: throw InputError("\(path) cannot be read: \(error)", remedy: "divide it into smaller files")
      default: throw InputError("\(path) cannot be read: \(error)", remedy: "make it a readable file")
      }
    }
  }

  /// Parses the objects of a text as `read` does.
  ///  - Parameter file: the name that positions get.
  public static func parse(_ text: String, file: String, warnings: inout [Diagnostic]) throws(InputError) -> [Manifest]
  {
    var manifests: [Manifest] = []
    var problems: [Diagnostic] = []
    for document in try YAMLNode.documents(in: text, file: file, warnings: &warnings) {
      collect(document, &manifests, &problems)
    }
    guard problems.isEmpty else { throw InputError(problems) }
    return manifests
  }

  private static func collect(_ node: YAMLNode, _ manifests: inout [Manifest], _ problems: inout [Diagnostic]) {
    guard case .mapping(let members) = node.content else {
      problems.append(
        node.error("a Kubernetes object is expected here", remedy: "write a mapping with apiVersion, kind and metadata")
      )
      return
    }
    if members.isEmpty { return }
    for field in ["apiVersion", "kind"] where node[field] == nil {
      problems.append(
        node.error(
          "\(field) is missing", remedy: "write \(field): …; a file that holds no Kubernetes object cannot be deployed")
      )
    }
    guard let apiVersion = text(node, "apiVersion", &problems), let kind = text(node, "kind", &problems) else { return }
    if kind.hasSuffix("List"), let items = node["items"], case .sequence(let elements) = items.content {
      for element in elements { collect(element, &manifests, &problems) }
      return
    }
    let metadata = node["metadata"]
    if metadata?["name"] == nil, metadata?["generateName"] == nil {
      problems.append(
        (metadata ?? node).error("\(kind) (\(apiVersion)) has no metadata.name", remedy: "give it a name"))
      return
    }
    for field in ["name", "namespace"] where metadata?[field]?.kind == .mapping || metadata?[field]?.kind == .sequence {
      problems.append((metadata?[field] ?? node).error("a string is expected here", remedy: "write one value"))
    }
    manifests.append(Manifest(node.json, position: node.position))
  }

  /// Returns a member's text; a number (`name: 123`) stays one in the object, and the API server reports it.
  private static func text(_ node: YAMLNode, _ field: String, _ problems: inout [Diagnostic]) -> String? {
    guard let value = node[field] else { return nil }
    do {
      return try value.string()
    } catch {
      problems += error.diagnostics
      return nil
    }
  }
}
