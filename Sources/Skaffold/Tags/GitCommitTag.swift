import Inputs

/// `build.tagPolicy.gitCommit`.
public struct GitCommitTag: Sendable, Hashable {
  public enum Variant: String, Sendable, Hashable, CaseIterable {
    case tags = "Tags"
    case commitSha = "CommitSha"
    case abbrevCommitSha = "AbbrevCommitSha"
    case treeSha = "TreeSha"
    case abbrevTreeSha = "AbbrevTreeSha"
    case branches = "Branches"
  }

  public var variant: Variant
  public var prefix: String
  /// True if a work tree with changes gives the same tag as a clean one, without `-dirty`.
  public var ignoreChanges: Bool

  public init(variant: Variant = .tags, prefix: String = "", ignoreChanges: Bool = false) {
    self.variant = variant
    self.prefix = prefix
    self.ignoreChanges = ignoreChanges
  }

  /// - Returns: `latest` without git, a repository or a commit, as Skaffold falls back.
  func tag(in directory: String, environment: [String: String]) async -> String {
    guard let path = InstalledProgram.find("git", environment: environment) else { return "latest" }
    let git = await Git(program: path, directory: directory, environment: environment)
    guard let found = await name(git) else { return "latest" }
    let tag = prefix + Self.sanitized(found)
    if ignoreChanges { return tag }
    return await git("status", ".", "--porcelain", "--ignore-submodules=dirty")?.isEmpty == false ? tag + "-dirty" : tag
  }

  private func name(_ git: Git) async -> String? {
    switch variant {
    case .tags: return await git("describe", "--tags", "--always")
    case .commitSha: return await git("rev-list", "-1", "HEAD")
    case .abbrevCommitSha: return await git("rev-list", "-1", "HEAD", "--abbrev-commit")
    // "./" is the directory itself, whatever its place in the repository.
    case .treeSha: return await git("rev-parse", "HEAD:./")
    case .abbrevTreeSha: return await git("rev-parse", "--short", "HEAD:./")
    case .branches:
      let branch = await git("branch", "--show-current")
      if let branch, !branch.isEmpty { return branch }
      return await git("rev-list", "-1", "HEAD", "--abbrev-commit")
    }
  }

  /// Replaces the characters of a git name that a tag cannot have.
  static func sanitized(_ name: String) -> String {
    let replaced = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) ? $0 : "_" }
    let leading = replaced.prefix { "-.".contains($0) }.count
    return String((Array(repeating: "_", count: leading) + replaced.dropFirst(leading)).prefix(128))
  }
}
