import Foundation
import Testing

/// To a terminal, the shell is the command it runs: a script types into an interactive bash and reads what comes.
@Suite(.serialized, .enabled(if: ShellFixture.isAllowed))
struct TerminalTests {
  let fixture: ShellFixture
  let daemon: FakeDaemon

  init() throws {
    fixture = try ShellFixture()
    daemon = try fixture.daemon()
  }

  private static let typist = """
    import os, pty, select, signal, sys, time
    shell = sys.argv[1:]
    # Foundation starts programs with signals blocked, and a terminal's shell would hand that on.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    pid, fd = pty.fork()
    if pid == 0:
      os.execve('/bin/bash', ['bash', '--norc', '-i'],
        {'PS1': 'outer> ', 'PATH': '/usr/bin:/bin', 'TERM': 'dumb', 'HOME': '/'})
    seen = b''
    def expect(text):
      global seen
      end = time.time() + 20
      while text.encode() not in seen:
        if not select.select([fd], [], [], max(0, end - time.time()))[0]:
          os.kill(pid, 9); sys.exit(f'no {text!r} in {seen}')
        seen += os.read(fd, 4096)
      seen = seen[seen.index(text.encode()) + len(text):]
    def type(text): os.write(fd, text.encode())
    expect('outer> ')

    """

  private func type(_ script: String, plans: String...) throws -> (status: Int32, output: String, errors: String) {
    let shells = plans.map { "\(fixture.path("devtunnel-shell")) run \($0) --" }
    return try RunningShell(
      program: "/usr/bin/python3", arguments: ["-c", Self.typist + script] + shells, user: ShellFixture.user
    ).result()
  }

  /// No sh with children: it forks with vfork(2), and one that is stopped between that and exec cannot be waited for.
  private static let ticks = """
    import signal, sys, time
    def interrupted(*_):
      print('got-int')
      sys.exit(7)
    signal.signal(signal.SIGINT, interrupted)
    while True:
      print('is-up')
      time.sleep(0.1)
    """

  @Test("Ctrl-Z, fg and Ctrl-C reach the command, and the shell outside sees them")
  func plainCommand() throws {
    let result = try type(
      """
      # Each key waits until its program says that it runs: a terminal that gets a key drops its pending output.
      type(f"{shell[0]} /usr/bin/python3 -u \(try fixture.write("ticks", Self.ticks))\\n"); expect('is-up\\r\\n')
      type('\\x1a'); expect('Stopped'); expect('outer> '); type('fg\\n'); expect('is-up\\r\\n'); expect('is-up\\r\\n')
      type('\\x03'); expect('got-int'); expect('outer> '); type('echo status=$?\\n'); expect('status=7')
      """, plans: fixture.plan())
    #expect(result.status == 0, "\(result.errors)")
    #expect(daemon.saw("exiting 7"))
  }

  private static let interrupts = """
    import signal, sys, time
    count = 0
    def interrupted(*_):
      global count
      count += 1
      print('got-int', count)
    def ended(*_):
      print('in all', count)
      sys.exit(5)
    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, ended)
    while True:
      print('is-up')
      time.sleep(0.1)
    """

  @Test("An interrupt of another process reaches the command, and one of the terminal reaches it once")
  func interruptOfAProcess() throws {
    let result = try type(
      """
      type(f"{shell[0]} /usr/bin/python3 -u \(try fixture.write("interrupts", Self.interrupts))\\n")
      expect('is-up\\r\\n')
      with open(f'/proc/{pid}/task/{pid}/children') as children: helper = int(children.read().split()[0])
      os.kill(helper, signal.SIGINT); expect('got-int 1'); expect('is-up\\r\\n')
      type('\\x03'); expect('got-int 2'); expect('is-up\\r\\n'); expect('is-up\\r\\n')
      os.kill(helper, signal.SIGTERM); expect('in all 2')
      expect('outer> '); type('echo status=$?\\n'); expect('status=5')
      """, plans: fixture.plan())
    #expect(result.status == 0, "\(result.errors)")
    #expect(daemon.saw("exiting 5"))
  }

  @Test("A terminal that is closed ends the command, also where the shell leads its session")
  func closedTerminal() throws {
    let script = """
      import os, pty, signal, sys, time
      signal.pthread_sigmask(signal.SIG_SETMASK, [])
      # The tests may run under nohup(1), and the command would ignore the signal as well.
      signal.signal(signal.SIGHUP, signal.SIG_DFL)
      pid, fd = pty.fork()
      if pid == 0:
        os.execv(sys.argv[1], [*sys.argv[1:], '/bin/sh', '-c', 'echo up; exec sleep 100'])
      seen = b''
      while b'up' not in seen: seen += os.read(fd, 4096)
      os.close(fd)
      for _ in range(300):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended: sys.exit(os.waitstatus_to_exitcode(status))
        time.sleep(0.1)
      os.kill(pid, 9); sys.exit('it lives on')
      """
    let result = try RunningShell(
      program: "/usr/bin/python3",
      arguments: ["-c", script, fixture.path("devtunnel-shell"), "run", fixture.plan(), "--"], user: ShellFixture.user
    ).result()
    #expect(result.status == 128 + SIGHUP, "\(result.errors)")
    #expect(daemon.saw("exiting 129"))
  }

  @Test("An interactive shell inside has its own jobs, suspends, and goes on")
  func interactiveShell() throws {
    let result = try type(
      """
      type(f"PS1='inner> ' {shell[0]} bash --norc -i\\n"); expect('inner> ')
      type("sh -c 'echo is-$((40+2)); exec sleep 100'\\n"); expect('is-42')
      type('\\x1a'); expect('Stopped'); expect('inner> ');
      # `wait` does not wait for a job that is stopped.
      type('kill -9 %1; while [ -n "$(jobs -s)" ]; do sleep 0.1; done; echo jobs=done\\n')
      expect('jobs=done\\r\\n'); expect('inner> ')
      type('suspend\\n'); expect('Stopped'); expect('outer> ')
      type('fg\\n'); type('echo back-$((40+2))\\n'); expect('back-42'); expect('inner> ')
      type('exit 3\\n'); expect('outer> '); type('echo status=$?\\n'); expect('status=3')
      """, plans: fixture.plan())
    #expect(result.status == 0, "\(result.errors)")
    #expect(daemon.saw("exiting 3"))
  }
}
