import Inputs

/// The files of a directory that do not count: the rules of .dockerignore, or of .gitignore files.
public struct IgnoreRules: Sendable, Hashable {
  private enum Layer: Sendable, Hashable {
    case docker(DockerRules)
    case git(GitRules)
  }

  /// A path is ignored if one of them ignores it.
  private var layers: [Layer] = []

  /// Rules that ignore nothing.
  public init() {}

  /// The rules of a .dockerignore as Docker reads them (Dockerfile reference, ".dockerignore file"): Go's
  /// filepath.Match with `**`, `!` for exceptions, the last match wins.
  /// - Parameter file: the name for errors.
  public init(dockerignore text: String, file: String = ".dockerignore") throws(WatchError) {
    layers = [.docker(try DockerRules(text, file: file))]
  }

  /// The rules of one .gitignore (gitignore(5)).
  /// - Parameter directory: the file's directory, relative to the root that paths are relative to; "" for
  ///   the root itself.
  public init(gitignore text: String, in directory: String = "") {
    var rules = GitRules()
    rules.append(text, in: directory)
    layers = [.git(rules)]
  }

  init(_ rules: GitRules) { layers = [.git(rules)] }

  /// - Parameter relativePath: relative to the root, with `/` and without `./`.
  public func ignores(_ relativePath: String, isDirectory: Bool) -> Bool {
    relativePath.withBytes { ignores($0, isDirectory: isDirectory) }
  }

  /// Checks whether nothing at or below this directory counts, whatever its name: it need not be read or watched.
  public func ignoresAll(in directory: String) -> Bool { directory.withBytes(ignoresAll(in:)) }

  /// Returns rules that ignore a path if either does.
  public func union(_ other: IgnoreRules) -> IgnoreRules {
    var both = self
    both.layers += other.layers
    return both
  }

  func ignores(_ path: UnsafeBufferPointer<UInt8>, isDirectory: Bool) -> Bool {
    layers.contains {
      switch $0 {
      case .docker(let rules): rules.ignores(path)
      case .git(let rules): rules.ignores(path, isDirectory: isDirectory)
      }
    }
  }

  func ignoresAll(in directory: UnsafeBufferPointer<UInt8>) -> Bool {
    layers.contains {
      switch $0 {
      case .docker(let rules): rules.ignoresAll(in: directory)
      case .git(let rules): rules.ignores(directory, isDirectory: true)
      }
    }
  }
}
