import FoundationEssentials
import Glibc
import Inputs
import Testing

@testable import Skaffold

@Suite(.enabled(if: InstalledProgram.find("git", environment: Here.environment) != nil, "git is not installed"))
struct GitTests {
  private let project: Project
  private var path: String { project.path }

  init() async throws {
    project = try Project(["repo/a.txt": "one", "evil": ""])
    try project.write("evil", "#!/bin/sh\ntouch \"\(path)/ran-$1\"\ncat\n")
    #expect(chmod(path + "/evil", 0o755) == 0)
    try await git("init", "--quiet")
    try await git("add", "a.txt")
    try await git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "x")
    try await git("tag", "v1")
  }

  private func git(_ arguments: String...) async throws {
    let program = Program(path: try #require(InstalledProgram.find("git", environment: Here.environment)))
    #expect(
      try await program.run(arguments, in: path + "/repo", environment: Here.environment).succeeded, "\(arguments)")
  }

  private var ran: [String] { Paths.entries(path).filter { $0.hasPrefix("ran") } }

  /// Adds the settings that come with an archive that holds a `.git`.
  private func bring(_ settings: [(String, String)]) async throws {
    for (name, value) in settings { try await git("config", name, "\(path)/evil \(value)") }
    try project.write("repo/.git/hooks/post-index-change", "#!/bin/sh\ntouch '\(path)/ran-hook'\n")
    #expect(chmod(path + "/repo/.git/hooks/post-index-change", 0o755) == 0)
    try project.write("repo/.git/info/attributes", "*.txt filter=x\n")
    // Another size: git would ask the filter.
    try project.write("repo/a.txt", "three")
  }

  @Test("Nothing that the repository's configuration names is run for a tag")
  func programs() async throws {
    try await bring([
      ("core.fsmonitor", "fsmonitor"), ("filter.x.clean", "clean"), ("filter.x.process", "process"),
      ("core.pager", "pager"), ("core.sshCommand", "ssh"),
      ("core.editor", "editor"), ("diff.external", "diff"), ("core.askPass", "askpass"),
    ])
    #expect(await GitCommitTag().tag(in: path + "/repo", environment: Here.environment) == "v1-dirty")
    #expect(ran == [])
    // The attack itself works.
    try await git("status", "--porcelain")
    #expect(ran.contains("ran-fsmonitor"))
  }

  @Test("Filters in the work tree's own configuration, and with a name that an option cannot hold")
  func hidden() async throws {
    try await bring([])
    try await git("config", "extensions.worktreeConfig", "true")
    try await git("config", "--worktree", "filter.x.clean", "\(path)/evil worktree")
    #expect(await GitCommitTag().tag(in: path + "/repo", environment: Here.environment) == "v1-dirty")
    #expect(ran == [])
    try project.write("repo/.git/info/attributes", "*.txt filter=a=b\n")
    try await git("config", "filter.a=b.clean", "\(path)/evil equals")
    #expect(await GitCommitTag().tag(in: path + "/repo", environment: Here.environment) == "latest")
    #expect(ran == [])
  }
}
