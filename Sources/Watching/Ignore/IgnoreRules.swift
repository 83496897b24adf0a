/// Which files of a directory do not count: the rules of .dockerignore, or of .gitignore files.
public struct IgnoreRules: Sendable, Hashable {
  /// Nothing is ignored.
  public init() {}

  /// The rules of a .dockerignore as Docker reads them (Dockerfile reference, ".dockerignore file"): Go's filepath.Match with `**`, `!` takes back, the last match wins.
  /// - Parameter file: for the error's place.
  public init(dockerignore text: String, file: String = ".dockerignore") throws(WatchError) { fatalError("to be written") }

  /// The rules of one .gitignore (gitignore(5)).
  /// - Parameter directory: where the file lies, relative to the root that paths are relative to; "" for the root itself.
  public init(gitignore text: String, in directory: String = "") { fatalError("to be written") }

  /// The file that Docker would take for this build: `<Dockerfile>.dockerignore` beside the Dockerfile, or else `.dockerignore` in the context.
  public static func dockerignoreFile(context: String, dockerfile: String) -> String? { fatalError("to be written") }

  /// All .gitignore files in a directory and below, those above it in the same repository, and `.git/info/exclude`; `.git` itself is ignored too.
  public static func git(in directory: String) -> IgnoreRules { fatalError("to be written") }

  /// - Parameter relativePath: relative to the root, with `/` and without `./`.
  public func ignores(_ relativePath: String, isDirectory: Bool) -> Bool { fatalError("to be written") }

  /// Nothing at or below this directory counts, whatever it is called: it need not be read or watched.
  public func ignoresAll(in directory: String) -> Bool { fatalError("to be written") }

  /// Ignores what either ignores.
  public func union(_ other: IgnoreRules) -> IgnoreRules { fatalError("to be written") }
}
