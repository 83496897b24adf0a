import Manifests

/// The configurations of a skaffold.yaml with all that they require, in the order of their deployment: required ones
/// first.
public struct ConfigurationSet: Sendable {
  public var configurations: [DevConfiguration]
  /// The demands beyond the repository that were allowed.
  public var demands: [Demand]

  /// Reads a skaffold.yaml and the files that it requires.
  /// - Parameters:
  ///   - file: absolute, or relative to the working directory.
  ///   - repositories: brings the repositories of `requires.git`.
  ///   - files: gets every file that was read, or is missing.
  /// - Throws: `InputError` with every fault in all files.
  public static func load(
    _ file: String, _ options: ReadingOptions, repositories: RemoteRepositories, files: inout [String]
  ) async throws(InputError) -> ConfigurationSet {
    var checkouts: [GitSource.Place: String] = [:]
    while true {
      let tree = ConfigurationTree(options, checkouts: checkouts)
      defer { files = tree.files }
      tree.read(Paths.absolute(file, in: options.workingDirectory))
      guard !tree.wanted.isEmpty, !tree.hasErrors else { return try tree.result() }
      for source in tree.wanted where checkouts[source.place] == nil {
        guard checkouts.count < mostRepositories else {
          throw InputError(
            "more than \(mostRepositories) repositories are required", at: source.position, field: "requires",
            remedy: "require fewer, each at one ref")
        }
        checkouts[source.place] = try await repositories.checkout(source)
      }
    }
  }

  private static let mostRepositories = 100

  /// Reads the text of a file as `load` does, without fetching repositories.
  static func read(_ text: String, path: String, _ options: ReadingOptions) throws(InputError) -> ConfigurationSet {
    let tree = ConfigurationTree(options, checkouts: [:])
    tree.read(path, text: text)
    return try tree.result()
  }
}
