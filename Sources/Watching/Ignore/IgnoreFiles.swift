import Inputs

/// The files with the rules.
extension IgnoreRules {
  /// Returns the file that Docker would use for this build: `<Dockerfile>.dockerignore` beside the Dockerfile, or else
  /// `.dockerignore` in the context.
  public static func dockerignoreFile(context: String, dockerfile: String) -> String? {
    dockerignoreFiles(context: context, dockerfile: dockerfile).first {
      FileStatus($0, followsLink: true)?.kind == .file
    }
  }

  /// Returns both paths, the one that wins first.
  static func dockerignoreFiles(context: String, dockerfile: String) -> [String] {
    [dockerfile + ".dockerignore", context + "/.dockerignore"]
  }

  /// Reads all .gitignore files in a directory and below, those above it in the same repository, and
  /// `.git/info/exclude`; `.git` itself is ignored too.
  public static func git(in directory: String) -> IgnoreRules {
    let directory = cleanPath(directory)
    let top = repository(of: directory) ?? directory
    let prefix = belowPath(directory, top).map { $0 + "/" } ?? ""
    var rules = GitRules(prefix: prefix)
    rules.append(".git", in: "")
    if let text = try? readText(top + "/.git/info/exclude") { rules.append(text, in: "") }
    var above = ""
    for part in pathParts(prefix) {
      rules.append(file: top, above)
      above += (above.isEmpty ? "" : "/") + part
    }
    // Each file is read before the directories beside it are entered, so that ignored ones are not searched.
    _ = walkTree(directory, wantsFiles: false) { relative in
      let path = relative.isEmpty ? above : prefix + relative
      guard relative.isEmpty || !relative.withBytes({ rules.ignores($0, isDirectory: true) }) else { return false }
      rules.append(file: top, path)
      return true
    } file: { _, _ in
    }
    return IgnoreRules(rules)
  }

  private static func repository(of directory: String) -> String? {
    var path = directory
    while path.count > 1 {
      if FileStatus(path + "/.git") != nil { return path }
      path = parentDirectory(path)
    }
    return nil
  }
}

extension GitRules {
  fileprivate mutating func append(file top: String, _ directory: String) {
    if let text = try? readText(directory.isEmpty ? "\(top)/.gitignore" : "\(top)/\(directory)/.gitignore") {
      append(text, in: directory)
    }
  }
}
