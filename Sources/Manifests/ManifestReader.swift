import KubeObjects

/// Reads files of Kubernetes objects: YAML documents one after the other, or JSON, which YAML contains.
public enum ManifestReader {
  /// The objects of a file in its order, `List`s unfolded, empty documents left out.
  /// - Throws: `InputError` with every document that is no object, or the place where the text stops being YAML.
  public static func read(_ path: String, warnings: inout [Diagnostic]) throws(InputError) -> [Manifest] { fatalError() }

  /// - Parameter file: the name that positions get.
  public static func parse(_ text: String, file: String, warnings: inout [Diagnostic]) throws(InputError) -> [Manifest] { fatalError() }
}
