import Foundation
import Testing

/// The beginning and the end of a shell, which leaves nothing behind.
@Suite(.serialized, .enabled(if: ShellFixture.isAllowed))
struct ShellLifeTests {
  let fixture: ShellFixture

  init() throws { fixture = try ShellFixture() }

  // MARK: The command

  @Test("The command's exit status is the helper's, and the daemon hears it", arguments: [0, 1, 42, 255])
  func status(code: Int) throws {
    let daemon = try fixture.daemon()
    let result = try fixture.shell("sh", "-c", "exit \(code)").result()
    #expect(result.status == Int32(code), "\(result.errors)")
    #expect(daemon.saw("exiting \(code)"))
  }

  @Test("A command that a signal ends gives 128 and the signal")
  func killed() throws {
    _ = try fixture.daemon()
    #expect(try fixture.shell("sh", "-c", "kill -KILL $$").result().status == 137)
  }

  @Test("A command that does not exist gives 127, one that cannot be run 126")
  func notRun() throws {
    _ = try fixture.daemon()
    let missing = try fixture.shell("no-such-command").result()
    #expect(missing.status == 127)
    #expect(missing.errors == "devtunnel-shell: cannot run no-such-command: No such file or directory\n")
    #expect(try fixture.shell("/etc").result().status == 126)
  }

  @Test(
    "The command has the user's identity, folder and environment, no capability, no blocked signal and no descriptor"
  )
  func plainUser() throws {
    _ = try fixture.daemon()
    let script =
      """
      id -u; id -g; pwd; echo $KEPT; grep -E 'Cap(Inh|Prm|Eff|Amb)|SigBlk' /proc/self/status | cut -f2 | sort -u; \
      ls -l /proc/self/fd >&2
      """
    let result = try fixture.shell("sh", "-c", script).result()
    let user = ShellFixture.user
    #expect(result.output == "\(user)\n\(user)\n/\nkept as it is\n0000000000000000\n", "\(result.errors)")
    for helpers in ["signalfd", "mountinfo", fixture.folder.path] {
      #expect(!result.errors.contains(helpers), "\(result.errors)")
    }
  }

  @Test("A signal of another process reaches the command", arguments: [SIGTERM, SIGHUP, SIGINT, SIGQUIT])
  func signals(signal: Int32) throws {
    let daemon = try fixture.daemon()
    let shell = try fixture.shell(
      "/usr/bin/python3", "-c",
      """
      import signal, sys, time
      for number in (1, 2, 3, 15): signal.signal(number, lambda number, _: sys.exit(number + 100))
      print('ready', flush=True)
      time.sleep(30)
      """)
    #expect(shell.line() == "ready")
    shell.signal(signal)
    #expect(shell.result().status == signal + 100)
    #expect(daemon.saw("exiting \(signal + 100)"))
  }

  @Test("The host name is the plan's, inside only")
  func hostname() throws {
    _ = try fixture.daemon()
    let before = ProcessInfo.processInfo.hostName
    #expect(
      try fixture.shell(plan: fixture.plan("hostname user-7d9"), "cat", "/proc/sys/kernel/hostname").result().output
        == "user-7d9\n")
    #expect(ProcessInfo.processInfo.hostName == before)
  }

  // MARK: The daemon

  @Test("Without a daemon there is no shell")
  func noDaemon() throws {
    let result = try fixture.shell("true").result()
    #expect(result.status == 125)
    #expect(
      result.errors.contains("connect to the daemon at \(fixture.path("socket")): No such file or directory"),
      "\(result.errors)")
  }

  @Test("A daemon that refuses says why, and nothing runs")
  func refused() throws {
    _ = try fixture.daemon(refusal: "the session is gone")
    let result = try fixture.shell("echo", "ran").result()
    #expect(result.status == 125)
    #expect(result.output.isEmpty)
    #expect(result.errors == "devtunnel-shell: the daemon refused this shell: the session is gone\n")
  }

  @Test("A shell outlives its daemon: the next one gets the same sockets")
  func restart() throws {
    let first = try fixture.daemon()
    let shell = try fixture.shell(
      "sh", "-c",
      """
      curl -sS --max-time 10 http://10.1.1.1/; echo; while [ ! -e \(fixture.path("go")) ]; do sleep 0.02; done
      curl -sS --max-time 10 http://10.2.2.2/
      """)
    #expect(shell.line() == "10.1.1.1:80")
    first.end()
    let second = try fixture.daemon()
    #expect(second.saw("hello \(ShellFixture.id)"))
    try fixture.write("go", "")
    let result = shell.result()
    #expect(result.output.hasSuffix("10.2.2.2:80"), "\(result)")
    #expect(second.saw("tcp 10.2.2.2:80"))
    #expect(second.saw("exiting 0"))
  }

  @Test("A next daemon that does not know the shell says so once")
  func refusedLater() throws {
    let first = try fixture.daemon()
    let shell = try fixture.shell(
      "sh", "-c", "echo ready; while [ ! -e \(fixture.path("go")) ]; do sleep 0.02; done; exit 4")
    #expect(shell.line() == "ready")
    first.end()
    let second = try fixture.daemon(refusal: "unknown shell")
    #expect(second.saw("channel"))
    #expect(!second.saw("hello", times: 2, seconds: 1))
    try fixture.write("go", "")
    let result = shell.result()
    #expect(result.status == 4)
    #expect(
      result.errors
        == "devtunnel-shell: the daemon refused this shell: unknown shell; the command goes on without a network\n")
  }

  @Test("A helper without a daemon ends with its command, at once")
  func orphan() throws {
    let daemon = try fixture.daemon()
    let shell = try fixture.shell(
      "sh", "-c", "echo ready; while [ ! -e \(fixture.path("go")) ]; do sleep 0.02; done; exit 9")
    #expect(shell.line() == "ready")
    daemon.end()
    try fixture.write("go", "")
    let start = Date()
    #expect(shell.result().status == 9)
    #expect(Date().timeIntervalSince(start) < 5)
  }

  // MARK: What is left

  @Test("The plan is gone once it is read")
  func planRemoved() throws {
    _ = try fixture.daemon()
    let plan = try fixture.plan()
    #expect(try fixture.shell(plan: plan, "test", "-e", plan).result().status == 1)
  }

  @Test("A plan with an error is refused by file, line and keyword")
  func badPlan() throws {
    let plan = try fixture.plan("host-port 99999")
    let result = try fixture.shell(plan: plan, "true").result()
    #expect(result.status == 125)
    #expect(result.errors == "devtunnel-shell: \(plan):7: host-port is no port\n")
  }

  @Test("The host's mounts, rules and resolver are the same before, during and after, also when the helper is killed")
  func hostUnchanged() throws {
    let daemon = try fixture.daemon()
    let before = try HostState.now(ignoring: fixture.folder.path)
    try fixture.write("secret", "token")
    let shell = try fixture.shell(
      plan: fixture.plan("bind \(fixture.path("secret")) /var/run/secrets/kubernetes.io/serviceaccount/token"), "sh",
      "-c",
      "cat /var/run/secrets/kubernetes.io/serviceaccount/token; echo; echo $$; exec sleep 30 >/dev/null 2>&1")
    #expect(shell.line() == "token")
    let command = try #require(pid_t(shell.line()))
    #expect(try HostState.now(ignoring: fixture.folder.path) == before)
    let killed = Date()
    shell.signal(SIGKILL)
    #expect(shell.result().status == -SIGKILL)
    // Foundation's Process waits for everybody who holds the socket it gives to its child: for the command too, had it
    // lived on.
    #expect(Date().timeIntervalSince(killed) < 15)
    // Its death is a death by PR_SET_PDEATHSIG: at once, but for the scheduler.
    let deadline = Date(timeIntervalSinceNow: 10)
    while kill(command, 0) == 0, !Self.isZombie(command), Date() < deadline { usleep(1000) }
    #expect(kill(command, 0) != 0 || Self.isZombie(command))
    #expect(daemon.saw("channel"))
    #expect(try HostState.now(ignoring: fixture.folder.path) == before)
  }

  static func isZombie(_ pid: pid_t) -> Bool {
    (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8))?.contains(") Z ") ?? true
  }
}

/// The parts of the host that a shell could change, less those that other tests change meanwhile.
struct HostState: Equatable {
  var mounts: [String]
  var resolver: [Data]
  var routes: String
  var tables: String
  var runEntries: [String]

  static func now(ignoring folder: String) throws -> HostState {
    let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8).split(separator: "\n").map(
      String.init)
    return HostState(
      mounts: mounts.filter { line in
        let target = line.split(separator: " ")[4]
        return line.contains(folder) || target.hasPrefix("/etc") || target == "/run" || target == "/"
          || target.hasPrefix("/run/secrets")
      },
      resolver: ["/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/hosts"].map {
        FileManager.default.contents(atPath: $0) ?? Data()
      },
      routes: try run("ip", "route", "show", "table", "all").split(separator: "\n").filter { $0.contains("198.18.0.2") }
        .joined(),
      tables: getuid() == 0
        ? try run("nft", "list", "tables").split(separator: "\n").filter { $0.contains("devtunnel") }.joined() : "",
      runEntries: try FileManager.default.contentsOfDirectory(atPath: "/run").filter { $0 == "secrets" })
  }

  private static func run(_ command: String...) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}
