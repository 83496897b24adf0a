/// Rewrites images' names for a default repository (Skaffold, `--default-repo`).
enum DefaultRepository {
  /// - Parameter image: without tag.
  static func rewritten(_ image: String, _ repository: String?) -> String {
    guard let repository, !repository.isEmpty, !image.hasPrefix(repository) else { return image }
    let prefix = googlePrefix(repository)
    // Google's registries have levels; in others the old name becomes one level.
    guard prefix.contains("gcr.io") || prefix.contains("-docker.pkg.dev") else {
      return truncated(repository + "/" + String(image.map { "/._:@".contains($0) ? "_" : $0 }))
    }
    let own = googlePrefix(image)
    return own == prefix ? repository + "/" + image.dropFirst(own.count) : truncated(repository + "/" + image)
  }

  /// Returns the registry and the project, with the slash that follows; empty if there is no project.
  private static func googlePrefix(_ name: String) -> String {
    let parts = name.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count > 1 else { return "" }
    let project = parts[1].prefix { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }.prefix(30)
    guard project.count >= 6, project.first?.isLetter == true, project.last != "-" else { return "" }
    return "\(parts[0])/\(project)" + (project.count == parts[1].count && parts.count > 2 ? "/" : "")
  }

  private static func truncated(_ name: String) -> String { String(name.prefix(255)) }
}
