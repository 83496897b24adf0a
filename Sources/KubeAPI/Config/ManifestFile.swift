import KubeObjects

/// A file of Kubernetes objects as users write them: YAML documents, one after the other.
public enum ManifestFile {
  /// - Returns: the objects in the file's order; empty documents are left out.
  /// - Throws: `KubeError.config` with the position of the fault.
  public static func read(_ path: String) throws(KubeError) -> [JSONValue] {
    try objects(in: String(decoding: try readFile(path), as: UTF8.self), file: path)
  }

  /// - Parameter file: the name for error messages.
  public static func objects(in text: String, file: String) throws(KubeError) -> [JSONValue] {
    var objects: [JSONValue] = []
    for node in try ConfigNode.documents(parsing: text, file: file) where node.json.objectValue?.isEmpty == false {
      objects.append(node.json)
    }
    return objects
  }
}
