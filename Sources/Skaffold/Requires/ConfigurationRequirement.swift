import Manifests

/// An entry of `requires`: other configurations, of the same file, of another one, or of another repository.
struct ConfigurationRequirement {
  /// A profile of the required configurations.
  struct ActiveProfile: Hashable {
    var name: String
    /// It is active if one of these is active in the requiring configuration; empty: always.
    var activatedBy: [String]
  }

  /// As written: a file or a directory; nil for the same file.
  var path: String?
  var git: GitSource?
  /// The names of the wanted configurations; empty: all of the file.
  var names: [String]
  var activeProfiles: [ActiveProfile]
  var node: YAMLNode

  /// - Returns: nil if it cannot be read; the reader has the faults then.
  init?(_ node: YAMLNode, _ reader: FieldReader) {
    self.node = node
    let cloud = "devtunnel fetches no configurations from Google Cloud; use git, or a path"
    reader.check(
      node,
      [
        "path": .read, "configs": .read, "activeProfiles": .read, "git": .read,
        "googleCloudStorage": .unsupported(cloud), "googleCloudBuildRepoV2": .unsupported(cloud),
      ])
    guard case .mapping = node.content else {
      reader.report(node.error("a required configuration is expected here", remedy: "write path:, configs: or git:"))
      return nil
    }
    guard node["googleCloudStorage"] == nil, node["googleCloudBuildRepoV2"] == nil else { return nil }
    path = reader.string(node["path"]).flatMap { $0.isEmpty ? nil : $0 }
    names = reader.strings(node["configs"])
    activeProfiles = reader.elements(node["activeProfiles"]).compactMap { profile in
      reader.check(profile, ["name": .read, "activatedBy": .read])
      return reader.required(profile, "name").map {
        ActiveProfile(name: $0, activatedBy: reader.strings(profile["activatedBy"]))
      }
    }
    guard let git = node["git"] else { return }
    if path != nil {
      reader.report(git.error("a requirement has either a path or a git repository", remedy: "keep one of them"))
    }
    guard let source = GitSource(git, reader) else { return nil }
    self.git = source
  }

  /// Returns the profiles to activate in the required configurations.
  /// - Parameter active: the profiles of the requiring configuration.
  func profiles(_ active: [String]) -> [String] {
    activeProfiles.filter { $0.activatedBy.isEmpty || !Set($0.activatedBy).isDisjoint(with: active) }.map(\.name)
  }
}
