/// The files that a build of an image can see: the context's directory, less what is ignored and what no COPY or ADD names.
public struct BuildContext: Sendable, Hashable {
  /// Absolute.
  public let directory: String
  /// Absolute; nil for a custom build.
  public let dockerfile: String?
  /// What is ignored; from .dockerignore.
  public let ignore: IgnoreRules
  /// Globs relative to the directory: see `DockerfileSources.paths`.
  public let sources: [String]
  /// Files whose change calls for a new `BuildContext`: the Dockerfile and its ignore file, absolute; both names of the latter, since either may appear.
  public let definitionFiles: [String]

  /// Reads the Dockerfile and the ignore file.
  /// - Parameters:
  ///   - directory: the context; absolute, or relative to the working directory.
  ///   - dockerfile: absolute, or relative to the working directory; nil for `Dockerfile` in the context.
  /// - Throws: `.missing` for either path, `.syntax`, `.unknownTarget`.
  public init(directory: String, dockerfile: String? = nil, buildArgs: [String: String] = [:], target: String? = nil) throws(WatchError) { fatalError("to be written") }

  /// What a custom build depends on (Skaffold's `custom.dependencies`).
  /// - Parameters:
  ///   - paths: globs relative to the directory; a directory means all in it.
  ///   - ignore: patterns as in .dockerignore.
  public init(directory: String, paths: [String], ignore: [String] = []) throws(WatchError) { fatalError("to be written") }

  /// All files and symbolic links that the build can see, and the Dockerfile where it lies in the directory: relative, sorted. Editors' swap and lock files do not count.
  public func files() throws(WatchError) -> [String] { fatalError("to be written") }

  /// Whether this file, which need not exist, is one of `files()`, or of `definitionFiles`.
  public func contains(_ absolutePath: String) -> Bool { fatalError("to be written") }

  /// SHA-256 (64 hexadecimal digits) of paths, kinds, exec bits, symbolic links' targets and contents of what the build can see, of the Dockerfile, build arguments and target.
  /// - Parameter hashes: what is already known of files; keep it between calls, and only changed files are read.
  public func digest(_ hashes: FileHashes = FileHashes()) throws(WatchError) -> String { fatalError("to be written") }
}

/// Hashes of files, valid as long as a file's inode, size and times stay. May be shared by contexts and threads.
public final class FileHashes: Sendable {
  public init() {}
}
