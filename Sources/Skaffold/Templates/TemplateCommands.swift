import Inputs
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The programs that templates run by `cmd`, once the user allows them.
public final class TemplateCommands: Sendable {
  private let trust: Trust
  private let root: String
  private let environment: [String: String]
  private let directory: String
  private let state = Mutex(State())

  private struct State {
    var demands: [Demand] = []
    /// A template is filled in several times while a file is read.
    var outputs: [[String]: String] = [:]
  }

  private static let limit = 30

  /// - Parameters:
  ///   - root: the repository that asks for it.
  ///   - environment: of the programs; its PATH is searched.
  ///   - directory: they start there.
  init(trust: Trust, root: String, environment: [String: String], directory: String) {
    self.trust = trust
    self.root = root
    self.environment = environment
    self.directory = directory
  }

  /// The demands that were allowed.
  var demands: [Demand] { state.withLock { $0.demands } }

  /// Returns what a program prints, without white space around it, as Skaffold does.
  /// - Throws: `Problem` if it is not allowed, fails, or takes too long.
  func run(_ name: String, _ arguments: [String]) throws(EnvTemplate.Problem) -> String {
    let words = [name] + arguments
    if let known = state.withLock({ $0.outputs[words] }) { return known }
    let text = words.joined(separator: " ")
    let demand = Demand(
      key: "cmd \(Words.text(words)) in \(Words.text([directory]))", text: "a template runs '\(text)'", root: root)
    guard trust.allows(demand) else {
      throw EnvTemplate.Problem(message: demand.text, remedy: demand.refusal.remedy ?? "")
    }
    guard
      let path = name.contains("/")
        ? Paths.absolute(name, in: directory) : InstalledProgram.find(name, environment: environment)
    else {
      throw EnvTemplate.Problem(message: "a template runs '\(name)', which is not in PATH", remedy: "install it")
    }
    let output = try BlockingProgram(path: path, arguments: arguments, environment: environment, directory: directory)
      .output(within: Self.limit)
    state.withLock { state in
      state.demands.append(demand)
      state.outputs[words] = output.trimmed
    }
    return output.trimmed
  }
}

/// A program whose output is waited for: templates are filled in where nothing can be awaited.
private struct BlockingProgram {
  let path: String
  let arguments: [String]
  let environment: [String: String]
  let directory: String

  private static let longest = 1 << 20

  /// - Parameter limit: in seconds.
  func output(within limit: Int) throws(EnvTemplate.Problem) -> String {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw failure("no pipe: \(String(cString: strerror(errno)))") }
    defer { close(ends[0]) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let started = Result { () throws(EnvTemplate.Problem) in try start(writingTo: ends[1]) }
    close(ends[1])
    let process = try started.get()
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    let deadline = ContinuousClock.now + .seconds(limit)
    var problem: String?
    let tooLong = "it took more than \(limit) s"
    while true {
      let left = (deadline - .now).components
      var event = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
      guard left.seconds >= 0, left.attoseconds >= 0,
        poll(&event, 1, Int32(clamping: left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000) + 1) > 0
      else {
        problem = tooLong
        break
      }
      let count = read(ends[0], &buffer, buffer.count)
      guard count > 0 else { break }
      bytes += buffer[..<count]
      if bytes.count > Self.longest {
        problem = "it printed more than \(Self.longest >> 20) MiB"
        break
      }
    }
    var status: Int32 = 0
    // It may go on although it has closed its output.
    while problem == nil, waitpid(process, &status, WNOHANG) == 0 {
      if .now > deadline { problem = tooLong }
      usleep(2000)
    }
    if problem != nil {
      kill(-process, SIGKILL)
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }
    if let problem { throw failure(problem) }
    guard status == 0 else { throw failure("it ended with status \(status >> 8 & 0xFF)") }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Starts it as the leader of a process group, which can be ended together.
  private func start(writingTo output: Int32) throws(EnvTemplate.Problem) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    posix_spawnattr_setpgroup(&attributes, 0)
    // A directory to start in is no part of POSIX.
    let shell = "/bin/sh"
    let words = ([shell, "-c", "cd \"$0\" && exec \"$@\"", directory, path] + arguments).map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var process = pid_t()
    let code = posix_spawn(&process, shell, &actions, &attributes, words, variables)
    guard code == 0 else { throw failure(String(cString: strerror(code))) }
    return process
  }

  private func failure(_ words: String) -> EnvTemplate.Problem {
    EnvTemplate.Problem(
      message: "a template runs '\(([path] + arguments).joined(separator: " "))': \(words)",
      remedy: "run it yourself to see why, or use a variable")
  }
}
