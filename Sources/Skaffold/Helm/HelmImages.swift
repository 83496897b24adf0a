import Manifests

/// The images that charts are given by `setValueTemplates` and templates of `valuesFiles`.
public struct HelmImages: Sendable, Hashable {
  /// The artifacts' image names, in their order.
  let names: [String]
  /// The references that are known, by image name; nil: they come later, and the charts get placeholders.
  let references: [String: String]?

  /// - Parameter references: for images without one, the tag is `latest`.
  public init(names: [String], references: [String: String]?) {
    self.names = names
    self.references = references
  }

  private static let prefix = "devtunnel-image-"

  /// The tag that a chart gets for an image that is not built yet; by image name.
  public var placeholders: [String: String] {
    guard references == nil else { return [:] }
    return Dictionary(names.enumerated().map { ($1, "\(Self.prefix)\($0)") }) { first, _ in first }
  }

  /// True if a text may have a placeholder in it.
  static func mayHavePlaceholders(_ text: String) -> Bool { text.contains(prefix) }

  private func reference(_ name: String) -> String {
    if let references { return references[name] ?? name + ":latest" }
    return name + ":" + (placeholders[name] ?? "latest")
  }

  /// Returns the variables of Skaffold's templates: each for every image by its name and by its place, the first one
  /// also without either (pkg/skaffold/helm/args.go).
  var variables: [String: String] {
    var variables: [String: String] = [:]
    for (index, name) in names.enumerated() {
      let place = index == 0 ? "" : String(index + 1)
      for (key, value) in Self.variables(of: name, as: reference(name)) {
        variables[key + place] = value
        variables["\(key)_\(Self.sanitized(name))"] = value
      }
    }
    return variables
  }

  private static func variables(of name: String, as reference: String) -> [String: String] {
    let image = ImageName(reference)
    let parts = image.name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let digest = reference.split(separator: ":", maxSplits: 1).map(String.init)
    return [
      "IMAGE_NAME": name, "DIGEST": reference, "IMAGE_REPO": image.name, "IMAGE_TAG": image.tag ?? "",
      "IMAGE_DIGEST": image.digest ?? "", "DIGEST_ALGO": digest.count > 1 ? digest[0] : "",
      "DIGEST_HEX": digest.last ?? "", "IMAGE_DOMAIN": parts.count > 1 ? parts[0] : "",
      "IMAGE_REPO_NO_DOMAIN": parts.last ?? "", "IMAGE_FULLY_QUALIFIED": reference,
    ]
  }

  /// Returns an image's name as the end of a variable's name.
  static func sanitized(_ name: String) -> String { String(name.map { ".-/:".contains($0) ? "_" : $0 }) }
}
