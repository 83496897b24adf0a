import Inputs

extension BuildContext {
  /// Returns all files and symbolic links that the build can see, and the Dockerfile if it is in the directory:
  /// relative, sorted. Editors' swap and lock files do not count.
  /// - Throws: `.system` for a directory that cannot be read.
  public func files() throws(WatchError) -> [String] {
    var files = try entries().files
    if let relative = dockerfile.flatMap(relativePath), !files.contains(where: { $0 == relative }) {
      files.append(relative)
    }
    return files.sorted()
  }

  /// Checks whether this file, which need not exist, is one of `files()`, or of `definitionFiles`.
  public func contains(_ absolutePath: String) -> Bool {
    let path = cleanPath(absolutePath)
    return definitionFiles.contains(path) || relativePath(path).map { selection.includes($0) } ?? false
  }

  /// Returns SHA-256 (64 hexadecimal digits) of the files that the build can see (paths, kinds, exec bits, symbolic
  /// links' targets and contents), and of the Dockerfile, build arguments and target.
  /// - Parameter hashes: the known hashes; keep it between calls, and only changed files are read.
  /// - Throws: `.system`, `.missing` for a file that cannot be read. One that vanishes meanwhile is left out.
  public func digest(_ hashes: FileHashes = FileHashes()) throws(WatchError) -> String {
    let (files, directories) = try entries()
    var sha = SHA256()
    for parameter in parameters { sha.update("p\0\(parameter)\0") }
    if let dockerfile, let status = FileStatus(dockerfile, followsLink: true) {
      sha.update("D\0\(try hashes.hash(of: dockerfile, status))")
    }
    for directory in directories.sorted() { sha.update("d\0\(directory)\0") }
    for file in files.sorted() {
      let path = directory + "/" + file
      guard let status = FileStatus(path) else { continue }
      switch status.kind {
      case .file:
        let hash: FileHash
        do { hash = try hashes.hash(of: path, status) } catch {
          guard error.code != .missing else { continue }
          throw error
        }
        sha.update(status.isExecutable ? "x\0\(file)\0\(hash)" : "f\0\(file)\0\(hash)")
      case .link: sha.update("l\0\(file)\0\(linkTarget(path) ?? "")\0")
      default: continue
      }
    }
    return sha.finish().description
  }

  /// Returns all selected entries, in no order.
  private func entries() throws(WatchError) -> (files: [String], directories: [String]) {
    var files: [String] = []
    var directories: [String] = []
    let failures = walkTree(directory) { relative in
      guard selection.mayInclude(in: relative) else { return false }
      if !relative.isEmpty, selection.includes(directory: relative) { directories.append(relative) }
      return true
    } file: { relative, kind in
      if kind != .other, selection.includes(relative) { files.append(relative) }
    }
    if let failure = failures.first { throw .system(failure.directory, failure.code) }
    return (files, directories)
  }

  /// Returns the path relative to the directory; nil if it is not below.
  private func relativePath(_ path: String) -> String? {
    belowPath(path, directory)
  }
}

/// Returns a path relative to a directory that it is in, or nil.
func belowPath(_ path: String, _ directory: String) -> String? {
  let (path, directory) = (path.utf8, directory.utf8)
  guard path.count > directory.count, path.starts(with: directory) else { return nil }
  let rest = path.dropFirst(directory.count)
  if directory.last == UInt8(ascii: "/") { return String(Substring(rest)) }
  return rest.first == UInt8(ascii: "/") ? String(Substring(rest.dropFirst())) : nil
}
