import KubeObjects

/// Writes manifests for kubectl and for people.
public enum ManifestWriter {
  /// YAML documents, each after a `---` but the first; `apiVersion`, `kind` and `metadata` first, otherwise keys sorted: the same objects give the same text.
  public static func yaml(_ manifests: [Manifest]) -> String { fatalError() }
}
