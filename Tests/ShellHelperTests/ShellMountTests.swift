import Foundation
import Testing

/// Files over the host's, and folders where the host has none.
@Suite(.serialized, .enabled(if: ShellFixture.isAllowed))
struct ShellMountTests {
  let fixture: ShellFixture
  let daemon: FakeDaemon

  init() throws {
    fixture = try ShellFixture()
    daemon = try fixture.daemon()
    try FileManager.default.createDirectory(atPath: fixture.path("a folder"), withIntermediateDirectories: true)
    try fixture.write("a folder/key", "value")
    try fixture.write("token", "secret")
    try fixture.write("hosts", "127.0.0.1 localhost\n10.5.5.5 from.hosts\n")
  }

  private var folder: String { fixture.path("a%20folder") }

  @Test("The resolver's files are the plan's, inside only")
  func resolver() throws {
    let before = FileManager.default.contents(atPath: "/etc/resolv.conf")
    let result = try fixture.shell(
      plan: fixture.plan("hosts \(fixture.path("hosts"))"), "sh", "-c",
      "cat /etc/resolv.conf /etc/nsswitch.conf; getent ahostsv4 from.hosts | cut -d' ' -f1 | sort -u"
    ).result()
    #expect(
      result.output
        == """
        nameserver 10.96.0.10
        search default.svc.cluster.local
        options ndots:1 timeout:5 attempts:1
        hosts: files dns
        10.5.5.5

        """,
      "\(result.errors)")
    #expect(FileManager.default.contents(atPath: "/etc/resolv.conf") == before)
  }

  @Test("Missing mount points stand below /run, below the root and in /etc, and what was there is still there")
  func missing() throws {
    let plan = try fixture.plan(
      "bind \(fixture.path("token")) /var/run/secrets/kubernetes.io/serviceaccount/token",
      "bind \(folder) /run/devtunnel-second/folder",
      "bind \(folder) /devtunnel-test/data", "bind \(fixture.path("token")) /devtunnel-test/deeper/file",
      "bind \(folder) /etc/devtunnel-test")
    let script = """
      cat /run/secrets/kubernetes.io/serviceaccount/token /run/devtunnel-second/folder/key /devtunnel-test/data/key \
      /devtunnel-test/deeper/file
      cat /etc/devtunnel-test/key; echo; grep -c nameserver /etc/resolv.conf; pwd; ls / | grep -c devtunnel-test
      ls -d /usr /mnt /proc/self >/dev/null && echo all; test -w /etc/passwd || echo read-only
      """
    let result = try fixture.shell(plan: plan, "sh", "-c", script).result()
    #expect(result.output == "secretvaluevaluesecretvalue\n1\n/\n1\nall\nread-only\n", "\(result.errors)")
    for path in ["/run/secrets/kubernetes.io", "/devtunnel-test", "/etc/devtunnel-test"] {
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test("A rebuilt folder has every entry of the old one, with its kind, owner, mode and link")
  func entries() throws {
    let list =
      """
      find /run /etc / -maxdepth 1 -mindepth 1 ! -name 'devtunnel-test*' ! -name mtab -printf '%p %y %U %G %m %l\\n' | \
      sort
      """
    let without = try fixture.shell("sh", "-c", list).result()
    let plan = try fixture.plan(
      "bind \(folder) /run/devtunnel-test-r", "bind \(folder) /devtunnel-test", "bind \(folder) /etc/devtunnel-test")
    let with = try fixture.shell(plan: plan, "sh", "-c", list).result()
    let difference = Set(with.output.split(separator: "\n")).symmetricDifference(without.output.split(separator: "\n"))
    #expect(difference.isEmpty, "\(difference.sorted())")
    #expect(with.output.split(separator: "\n").count > 50)
  }

  @Test("A Unix socket in a rebuilt folder still answers")
  func unixSocket() throws {
    // A folder that the user does not own, as /run is not.
    let place = try #require(
      getuid() == 0 ? "/run/devtunnel-test-\(UUID().uuidString)" : nil as String?,
      "needs root to make a folder that is not the user's")
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: place) }
    let server = Process()
    server.executableURL = URL(filePath: "/usr/bin/python3")
    server.arguments = [
      "-c",
      """
      import os, socket
      s = socket.socket(socket.AF_UNIX); s.bind('\(place)/socket'); os.chmod('\(place)/socket', 0o666); s.listen()
      c, _ = s.accept(); c.send(b'from the host')
      """,
    ]
    try server.run()
    defer { server.terminate() }
    while !FileManager.default.fileExists(atPath: place + "/socket") { usleep(1000) }
    let script =
      "import socket, time; s = socket.socket(socket.AF_UNIX); s.connect('\(place)/socket'); print(s.recv(20).decode())"
    let result = try fixture.shell(
      plan: fixture.plan("bind \(folder) \(place)/missing"), "/usr/bin/python3", "-c", script
    ).result()
    #expect(result.output == "from the host\n", "\(result.errors)")
  }

  @Test("Something that exists is hidden only by bind-over")
  func over() throws {
    let refused = try fixture.shell(plan: fixture.plan("bind \(fixture.path("token")) /etc/hostname"), "true").result()
    #expect(refused.status == 125)
    #expect(refused.errors.contains("/etc/hostname exists on this host; bind-over"), "\(refused.errors)")
    #expect(
      try fixture.shell(plan: fixture.plan("bind-over \(fixture.path("token")) /etc/hostname"), "cat", "/etc/hostname")
        .result().output == "secret")
    let mixed = try fixture.shell(plan: fixture.plan("bind-over \(folder) /etc/hostname"), "true").result()
    #expect(mixed.errors.contains("one is a folder and the other is not"), "\(mixed.errors)")
  }

  @Test("A folder that the user writes to is not built again: its new files would be lost")
  func writable() throws {
    let result = try fixture.shell(plan: fixture.plan("bind \(folder) \(fixture.path("missing/data"))"), "true")
      .result()
    #expect(result.status == 125)
    #expect(result.errors.contains("\(fixture.folder.path) is a folder you write to"), "\(result.errors)")
  }

  @Test("Nothing is made through a link to what does not exist")
  func dangling() throws {
    let link = fixture.path("dangling")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: fixture.path("made"))
    for target in [link, "\(link)/data"] {
      let plan = try fixture.plan("bind \(fixture.path("token")) \(target)")
      let result = try fixture.shell(plan: plan, "true").result()
      #expect(result.errors.contains("dangling exists on this host, and is no folder"), "\(result.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: fixture.path("made")))
  }

  @Test("A missing source is said by name")
  func noSource() throws {
    let result = try fixture.shell(plan: fixture.plan("bind /no/such/source /devtunnel-test"), "true").result()
    #expect(result.status == 125)
    #expect(result.errors == "devtunnel-shell: look at /no/such/source: No such file or directory\n")
  }

  /// In a namespace that plays the host: its /etc is a copy, and may be changed.
  @Test(
    "A host that renames a new resolv.conf over its own does not take the shell's away; a host without one is told so")
  func renamed() throws {
    let plan = try fixture.plan()
    let go = fixture.path("go")
    let inside = """
      echo started; while [ ! -e \(go) ]; do sleep 0.02; done
      for i in $(seq 100); do grep -q 10.96.0.10 /etc/resolv.conf && break; sleep 0.02; done; cat /etc/resolv.conf
      """
    let host = """
      mount -t tmpfs tmpfs /mnt && cp /etc/passwd /etc/hosts /etc/nsswitch.conf /mnt || exit 1
      echo 'nameserver 192.0.2.1' > /mnt/resolv.conf && mount --bind /mnt /etc || exit 1
      \(fixture.path("devtunnel-shell")) run \(plan) -- sh -c '\(inside)' &
      while [ ! -e \(fixture.path("renamed")) ]; do sleep 0.02; done
      cat /etc/resolv.conf; wait
      rm /etc/resolv.conf; \(fixture.path("devtunnel-shell")) run \(try fixture.plan()) -- true
      """
    let process = try RunningShell(
      program: "/usr/bin/unshare", arguments: ["-Urm", "sh", "-c", host], user: ShellFixture.user)
    #expect(process.line() == "started")
    let rename = try RunningShell(
      program: "/usr/bin/nsenter",
      arguments: [
        "-t", "\(process.pid)", "-U", "-m", "--preserve-credentials", "sh", "-c",
        "echo new > /etc/new && mv /etc/new /etc/resolv.conf",
      ],
      user: ShellFixture.user)
    #expect(rename.result().status == 0)
    try fixture.write("renamed", "")
    #expect(process.line() == "new")
    try fixture.write("go", "")
    let result = process.result()
    #expect(result.output.hasPrefix("nameserver 10.96.0.10\n"), "\(result)")
    #expect(
      result.errors.contains("/etc/resolv.conf: No such file or directory; the host needs that file"),
      "\(result.errors)")
  }
}
