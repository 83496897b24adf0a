import ArgumentParser
import ControlAPI

struct LogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "Shows the daemon's log.",
    discussion: """
      EXAMPLES:
        devtunnel logs --lines 20
        devtunnel logs -f
      """)

  @Flag(name: [.short, .long], help: "Continue with lines that are added.")
  var follow = false

  @Option(help: ArgumentHelp("The number of last lines to show.", valueName: "number"))
  var lines = 100

  @OptionGroup(title: "Global options") var global: GlobalOptions

  func validate() throws {
    if lines < 0 { throw ValidationError("--lines must be 0 or more") }
  }

  func run() async throws {
    let paths = try CommandContext(global).paths
    let log = LogTail(path: paths.log)
    guard follow || log.identity != nil else {
      throw ControlError(
        .notFound, "there is no log yet: \(paths.log)", remedy: "the daemon writes it; any command starts the daemon")
    }
    // In this order, so that the loop below shows lines that are added meanwhile.
    var identity = log.identity
    var offset = log.size
    var last = log.lastLines(lines, upTo: offset)
    if last.count < lines { last = LogTail(path: paths.oldLog).lastLines(lines - last.count) + last }
    last.forEach(Terminal.output.line)
    while follow {
      try await Task.sleep(for: .milliseconds(200))
      if log.identity != identity {
        identity = log.identity
        offset = 0
      }
      guard log.size > offset, let added = log.read(from: offset) else { continue }
      offset += added.count
      Terminal.output.write(String(decoding: added, as: UTF8.self))
    }
  }
}
