import KubeObjects

/// Writes manifests for kubectl and for users.
public enum ManifestWriter {
  /// Returns YAML documents with `---` between them; `apiVersion`, `kind` and `metadata` first, otherwise keys sorted:
  /// the same objects give the same text.
  public static func yaml(_ manifests: [Manifest]) -> String {
    YAMLWriter.joined(
      manifests.map { YAMLWriter.text(YAMLWriter.node($0.object, first: ["apiVersion", "kind", "metadata"])) })
  }
}
