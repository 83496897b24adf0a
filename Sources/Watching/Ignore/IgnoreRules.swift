import Inputs

/// Which files of a directory do not count: the rules of .dockerignore, or of .gitignore files.
public struct IgnoreRules: Sendable, Hashable {
  private enum Layer: Sendable, Hashable {
    case docker(DockerRules)
    case git(GitRules)
  }

  /// What one of them ignores is ignored.
  private var layers: [Layer] = []

  /// Nothing is ignored.
  public init() {}

  /// The rules of a .dockerignore as Docker reads them (Dockerfile reference, ".dockerignore file"): Go's
  /// filepath.Match with `**`, `!` takes back, the last match wins.
  /// - Parameter file: for the error's place.
  public init(dockerignore text: String, file: String = ".dockerignore") throws(WatchError) {
    layers = [.docker(try DockerRules(text, file: file))]
  }

  /// The rules of one .gitignore (gitignore(5)).
  /// - - Parameter directory: where the file lies, relative to the root that paths are relative to; "" for the root
  ///   itself.
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

  /// Nothing at or below this directory counts, whatever it is called: it need not be read or watched.
  public func ignoresAll(in directory: String) -> Bool { directory.withBytes(ignoresAll(in:)) }

  /// Ignores what either ignores.
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
