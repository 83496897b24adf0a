/// git in a directory, set up to run no program that the repository names. A repository may come with its
/// `.git`: its configuration and attributes name programs even for a status (githooks, `core.fsmonitor`,
/// filters), and others to fetch missing objects.
struct Git {
  private let program: Program
  private let directory: String
  private let environment: [String: String]
  /// False if a program could run all the same.
  private var isUsable = true
  private var settings = [
    "core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat", "core.sshCommand=false",
    "core.gitProxy=false", "core.askPass=false",
    "credential.helper=", "protocol.allow=never", "safe.bareRepository=explicit", "submodule.recurse=false",
  ]

  /// - Parameters:
  ///   - program: the path of git.
  ///   - environment: variables that choose another repository or other programs are left out.
  init(program: String, directory: String, environment: [String: String]) async {
    self.program = Program(path: program)
    self.directory = directory
    let kept = [
      "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES",
      "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    ]
    self.environment = environment.filter { !$0.key.hasPrefix("GIT_") || kept.contains($0.key) }.merging([
      "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none",
      "GIT_NO_REPLACE_OBJECTS": "1",
    ]) { $1 }
    await emptyFilters()
  }

  /// Empties the filters that the repository's own configuration names: a status would run them on files that seem to
  /// have changed. The user's own filters, such as Git LFS, stay.
  private mutating func emptyFilters() async {
    guard let list = await run(["config", "--list", "--includes", "--name-only", "--null", "--show-scope"]) else {
      isUsable = false
      return
    }
    let words = list.split(separator: "\0", omittingEmptySubsequences: false)
    for (scope, name) in zip(words, words.dropFirst())
    where ["local", "worktree", "unknown"].contains(scope) && name.hasPrefix("filter.") {
      guard let dot = name.lastIndex(of: ".") else { continue }
      // git's `-c` cannot express such a name.
      if name.contains("=") || name.contains("\n") { isUsable = false }
      settings += ["clean", "smudge", "process"].map { "\(name[..<dot]).\($0)=" } + ["\(name[..<dot]).required=false"]
    }
  }

  /// - Returns: its output, nil if it fails.
  func callAsFunction(_ arguments: String...) async -> String? { isUsable ? await run(arguments) : nil }

  private func run(_ arguments: [String]) async -> String? {
    let options = ["--no-pager", "--no-optional-locks"] + settings.flatMap { ["-c", $0] }
    guard let result = try? await program.run(options + arguments, in: directory, environment: environment),
      result.succeeded
    else { return nil }
    return result.output.trimmed
  }
}
