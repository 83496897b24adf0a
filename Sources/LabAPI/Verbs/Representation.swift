import KubeObjects

/// The form in which a client wants objects: as they are, as rows of a table (kubectl prints those), or their metadata
/// alone.
struct Representation: Sendable {
  private enum Form: Sendable { case plain, table, metadata }

  private let kind: ResourceKind
  private let form: Form
  private let tableIncludes: String

  init(_ request: APIRequest, _ kind: ResourceKind) {
    self.kind = kind
    tableIncludes = request.query["includeObject"] ?? "Metadata"
    form = Self.form(accept: request.headers.first(name: "accept") ?? "")
  }

  /// The first form in the Accept header that is known here.
  private static func form(accept: String) -> Form {
    for type in accept.split(separator: ",") {
      let words = type.split(separator: ";").map { $0.filter { $0 != " " } }
      guard words.first == "application/json" else { continue }
      guard let form = words.first(where: { $0.hasPrefix("as=") })?.dropFirst(3) else { return .plain }
      guard words.contains("v=v1") else { continue }
      if form == "Table" { return .table }
      if form.hasPrefix("PartialObjectMetadata") { return .metadata }
    }
    return .plain
  }

  func one(_ object: JSONValue) -> JSONValue {
    switch form {
    case .plain: object
    case .table:
      Table.object(
        kind, [object], includes: tableIncludes, metadata: ["resourceVersion": .string(object.resourceVersion)])
    case .metadata: Self.partial(object)
    }
  }

  func list(_ items: [JSONValue], metadata: JSONValue) -> JSONValue {
    switch form {
    case .plain:
      [
        "kind": .string(kind.kind + "List"), "apiVersion": .string(kind.apiVersion), "metadata": metadata,
        "items": .array(items),
      ]
    case .table: Table.object(kind, items, includes: tableIncludes, metadata: metadata)
    case .metadata:
      [
        "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "items": .array(items.map(Self.partial)),
      ]
    }
  }

  private static func partial(_ object: JSONValue) -> JSONValue {
    ["kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] ?? [:]]
  }
}
