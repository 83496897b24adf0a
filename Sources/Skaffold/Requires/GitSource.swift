import Manifests

/// A repository of others that holds required configurations (`requires[].git`).
public struct GitSource: Sendable, Hashable {
  /// A clone's identity.
  struct Place: Sendable, Hashable {
    var repository: String
    var ref: String?
  }

  /// An address that git understands.
  public var repository: String
  /// A branch, a tag or a commit; nil: `master`, else `main`.
  public var ref: String?
  /// A file or a directory in it.
  var path: String
  /// False if a clone is never brought up to date.
  var syncs: Bool
  public var position: SourcePosition?

  var place: Place { Place(repository: repository, ref: ref) }

  init?(_ node: YAMLNode, _ reader: FieldReader) {
    reader.check(node, ["repo": .read, "path": .read, "ref": .read, "sync": .read])
    guard let repository = reader.required(node, "repo") else { return nil }
    self.repository = repository
    ref = reader.string(node["ref"]).flatMap { $0.isEmpty ? nil : $0 }
    path = reader.string(node["path"]) ?? ""
    syncs = reader.bool(node["sync"]) ?? true
    position = node["repo"]?.position
    for (field, text) in [("repo", repository), ("ref", ref ?? "")]
    where text.hasPrefix("-") || text.contains(where: \.isNewline) {
      reader.report((node[field] ?? node).error("'\(text)' is no name that git takes", remedy: "correct it"))
      return nil
    }
  }
}
