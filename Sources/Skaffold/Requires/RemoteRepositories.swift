import Inputs
import Manifests
import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Clones of the repositories that configurations require, kept from run to run.
public final class RemoteRepositories: Sendable {
  /// The time to bring clones up to date (Skaffold, `--sync-remote-cache`).
  public enum Sync: String, Sendable, Hashable, CaseIterable {
    /// In each process once.
    case always
    /// Never; a missing clone is made.
    case missing
    /// Never, and a missing clone is an error.
    case never
  }

  private let directory: String
  private let sync: Sync
  private let environment: [String: String]
  private let limit: Duration
  private let state = Mutex(State())

  private struct State {
    /// The clones that are up to date.
    var current: Set<GitSource.Place> = []
    /// A host that cannot be reached is not asked again at each save.
    var failures: [GitSource.Place: (at: ContinuousClock.Instant, error: InputError)] = [:]
  }

  /// - Parameters:
  ///   - directory: the clones' parent; made with the first one.
  ///   - environment: git's; its PATH is searched.
  ///   - limit: the time that one fetch may take.
  public init(
    directory: String, sync: Sync = .always, environment: [String: String], limit: Duration = .seconds(180)
  ) {
    self.directory = directory
    self.sync = sync
    self.environment = environment
    self.limit = limit
  }

  private static let pause = Duration.seconds(30)

  /// Returns the directory of a clone that has the wanted commit checked out.
  /// - Throws: `InputError` at the source's position, with git's own words.
  func checkout(_ source: GitSource) async throws(InputError) -> String {
    if let failure = state.withLock({ $0.failures[source.place] }), .now - failure.at < Self.pause {
      throw failure.error
    }
    do throws(InputError) {
      return try await bring(source)
    } catch {
      state.withLock { $0.failures[source.place] = (.now, error) }
      throw error
    }
  }

  private func bring(_ source: GitSource) async throws(InputError) -> String {
    try makeDirectory(source)
    let clone = directory + "/" + Self.name(source.place)
    let exists = Paths.isDirectory(clone + "/.git") == true
    let isCurrent = state.withLock { $0.current.contains(source.place) }
    if exists, isCurrent || sync != .always || !source.syncs { return clone }
    guard exists || sync != .never else {
      throw InputError(
        "\(source.repository) was not fetched yet", at: source.position,
        remedy: "leave out --sync-remote-cache=never for once")
    }
    guard let path = InstalledProgram.find("git", environment: environment) else {
      throw InputError(
        "git is not in PATH (\(environment["PATH"] ?? "not set")), and \(source.repository) is fetched by it",
        at: source.position, remedy: "install git")
    }
    // Two commands do not change one clone at once; the second finds what the first has made.
    let lock = try await CloneLock.take(clone + ".lock", within: limit, source)
    defer { withExtendedLifetime(lock) {} }
    let isMade = Paths.isDirectory(clone + "/.git") == true
    var git = RemoteGit(
      program: Program(path: path), environment: environment, limit: limit, source: source, hasClone: isMade)
    await git.silenceSSH()
    if isMade { try await git.update(clone) } else { try await git.clone(into: clone) }
    _ = state.withLock { $0.current.insert(source.place) }
    return clone
  }

  /// Another user who may write here could change what is deployed.
  private func makeDirectory(_ source: GitSource) throws(InputError) {
    try? FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    guard let problem = Paths.problem(ofPrivate: directory) else { return }
    throw InputError(
      "\(directory), where \(source.repository) would be kept, is not used: \(problem)", at: source.position,
      remedy: "remove it, or set XDG_CACHE_HOME to a directory of your own")
  }

  /// `shop-1f0c…`: a name that people recognise, and a hash of the address and the ref.
  static func name(_ place: GitSource.Place) -> String {
    var hash = SHA256()
    hash.update(place.repository + "\n" + (place.ref ?? ""))
    let last = Paths.parts(place.repository).last ?? ""
    let words = last.prefix(40).filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    return words + "-" + hash.finish().description.prefix(24)
  }
}

/// The right to change a clone, among all processes of this user, until it is released.
private final class CloneLock: Sendable {
  private let file: Int32

  private init(_ file: Int32) { self.file = file }
  deinit { close(file) }

  static func take(_ path: String, within limit: Duration, _ source: GitSource) async throws(InputError) -> CloneLock {
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else {
      throw InputError(
        "\(path) cannot be opened: \(String(cString: strerror(errno)))", at: source.position,
        remedy: "make room there, or remove it")
    }
    let lock = CloneLock(file)
    let deadline = ContinuousClock.now + limit
    while flock(file, LOCK_EX | LOCK_NB) != 0 {
      do { try await Task.sleep(for: .milliseconds(100)) } catch {
        throw InputError("\(source.repository) cannot be fetched: cancelled", at: source.position)
      }
      guard .now < deadline else {
        throw InputError(
          "\(source.repository) cannot be fetched: another command has held \(path) for \(limit)",
          at: source.position, remedy: "wait until it ends")
      }
    }
    return lock
  }
}

/// git, for a repository of others: it runs no hooks, and asks nothing.
private struct RemoteGit {
  var program: Program
  var environment: [String: String]
  var limit: Duration
  var source: GitSource
  /// True if an older clone could be used instead.
  var hasClone: Bool

  /// Makes ssh fail where it would ask; a command for it that the user chose stays.
  mutating func silenceSSH() async {
    guard environment["GIT_SSH_COMMAND"] == nil, environment["GIT_SSH"] == nil else { return }
    let own = try? await program.run(
      ["config", "--get", "core.sshCommand"], in: "/", environment: environment, within: limit)
    if own?.output.trimmed.isEmpty ?? true { environment["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes" }
  }

  func update(_ clone: String) async throws(InputError) {
    try await fetch(try await ref(), in: clone)
    try await run(["reset", "--quiet", "--hard", "FETCH_HEAD"], in: clone)
  }

  /// Clones beside the final place, so that no half of a clone is ever used.
  func clone(into clone: String) async throws(InputError) {
    let parent = Paths.directory(of: clone)
    let temporary = clone + "." + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: temporary) }
    try await run(["init", "--quiet", "--", temporary], in: parent)
    try await run(["remote", "add", "--", "origin", source.repository], in: temporary)
    try await fetch(try await ref(), in: temporary)
    try await run(["checkout", "--quiet", "--detach", "FETCH_HEAD"], in: temporary)
    do {
      try FileManager.default.moveItem(atPath: temporary, toPath: clone)
    } catch {
      // Another process was faster.
      if Paths.isDirectory(clone + "/.git") == true { return }
      throw failure("it cannot be kept in \(clone): \(error)")
    }
  }

  private func fetch(_ ref: String, in directory: String) async throws(InputError) {
    try await run(
      ["fetch", "--quiet", "--depth", "1", "--no-tags", "--force", "--", source.repository, ref], in: directory)
  }

  /// Returns the wanted ref; without one `master`, else `main`, as Skaffold does, else the remote's own choice.
  private func ref() async throws(InputError) -> String {
    if let ref = source.ref { return ref }
    let heads = try await run(["ls-remote", "--heads", "--", source.repository, "master", "main"], in: "/")
    return ["master", "main"].first { name in
      heads.split(whereSeparator: \.isNewline).contains { $0.hasSuffix("\trefs/heads/\(name)") }
    } ?? "HEAD"
  }

  @discardableResult
  private func run(_ arguments: [String], in directory: String) async throws(InputError) -> String {
    let settings = [
      "core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.ext.allow=never", "submodule.recurse=false",
      "advice.detachedHead=false", "init.defaultBranch=main",
    ]
    var variables = environment.filter {
      ![
        "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE",
        // It would allow `ext::` in spite of the setting.
        "GIT_ALLOW_PROTOCOL",
      ].contains($0.key)
    }
    variables["GIT_TERMINAL_PROMPT"] = "0"
    // Programs that print nothing give no password.
    variables["GIT_ASKPASS"] = "true"
    variables["SSH_ASKPASS"] = "true"
    variables["SSH_ASKPASS_REQUIRE"] = "force"
    let result: Program.Result
    do {
      result = try await program.run(
        settings.flatMap { ["-c", $0] } + arguments, in: directory, environment: variables, within: limit)
    } catch is CancellationError {
      throw failure("cancelled")
    } catch is Program.TookTooLong {
      throw failure("git took more than \(limit)")
    } catch {
      throw failure("\(program.path) could not be run: \(error)")
    }
    guard result.succeeded else { throw failure(result.errors.trimmed) }
    return result.output
  }

  private func failure(_ words: String) -> InputError {
    let ref = source.ref.map { " at \($0)" } ?? ""
    return InputError(
      "\(source.repository)\(ref) cannot be fetched: \(words)", at: source.position,
      remedy: hasClone
        ? "correct the address or the ref, or use the clone as it is with --sync-remote-cache=missing"
        : "correct the address or the ref; 'git ls-remote \(source.repository)' shows whether it can be reached")
  }
}
