import Glibc
import KubeObjects
import LabStore
import Testing

@testable import LabNode

/// Commands in real containers. One suite with the others, since two nodes must not run at once.
extension LabNodeTests {
  private static let sleeper: JSONValue = [
    "kind": "Pod", "metadata": ["name": "p", "namespace": "shop"],
    "spec": [
      "nodeName": "lab", "restartPolicy": "Never",
      "containers": [
        [
          "name": "main", "image": "lab/busybox:1", "command": ["sleep", "1000"],
          "securityContext": ["runAsUser": 1000],
          "env": [["name": "A", "value": "b"]],
        ]
      ],
    ],
  ]

  @Test(.timeLimit(.minutes(2))) func pipesTerminalsAndEnds() async throws {
    try await NodeFixture.run { lab in
      try await lab.create(Self.sleeper)
      _ = try await lab.ready("p")
      func start(_ script: String, input: Bool = false, terminal: Bool = false) async throws -> ExecProcess {
        try await lab.node.exec(
          namespace: "shop", pod: "p",
          ExecRequest(command: ["sh", "-c", script], standardInput: input, hasTerminal: terminal))
      }

      var process = try await start("id -u; echo $A; cat; echo err >&2; exit 3", input: true)
      Self.write("typed\n", to: process.standardInput)
      #expect(await Self.text(process.standardOutput) == "1000\nb\ntyped\n")
      #expect(await Self.text(process.standardError) == "err\n")
      #expect(await process.exitStatus() == 3)

      process = try await start("tty; stty size; while :; do sleep 0.05; stty size; done", terminal: true)
      process.resize(101, 37)
      let terminal = await Self.text(process.standardOutput, until: "37 101")
      #expect(terminal.contains("/dev/pts/") && process.standardError == nil)
      process.kill()
      #expect(await process.exitStatus() == 128 + Int(SIGKILL))

      await #expect(throws: NodeStreamError.self) {
        try await lab.node.exec(namespace: "shop", pod: "p", ExecRequest(command: ["/no/such"]))
      }
      await #expect(throws: NodeStreamError.self) {
        try await lab.node.exec(namespace: "shop", pod: "p", ExecRequest(container: "other", command: ["true"]))
      }
    }
  }

  /// An image that comes, or a tag that moves, while the lab runs counts for the next container.
  @Test(.timeLimit(.minutes(2))) func newImagesAreFoundByTag() async throws {
    try await NodeFixture.run { lab in
      let context = try TemporaryDirectory()
      for version in ["1", "2"] {
        try Files.write("FROM localhost/lab/busybox:1\nENV VERSION=\(version)\n", to: context.path + "/Dockerfile")
        try await lab.node.images.build("shop/web:dev", contextDirectory: context.path)
        var pod = Self.sleeper
        pod[path: "metadata", "name"] = .string("p\(version)")
        var container = pod[path: "spec", "containers"]?[0] ?? [:]
        container["image"] = "shop/web:dev"
        container["imagePullPolicy"] = version == "1" ? "Never" : "IfNotPresent"
        pod[path: "spec", "containers"] = [container]
        try await lab.create(pod)
        _ = try await lab.ready("p\(version)")
        #expect(try await lab.exec("p\(version)", "echo $VERSION") == version + "\n")
      }
    }
  }

  private static func write(_ text: String, to descriptor: Int32?) {
    guard let descriptor else { return }
    _ = Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
  }

  /// Reads to the end, or until the text has come, and closes.
  private static func text(_ descriptor: Int32?, until end: String? = nil) async -> String {
    guard let descriptor else { return "" }
    return await Task.detached {
      defer { close(descriptor) }
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EAGAIN {
          var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
          _ = poll(&entry, 1, 1000)
          continue
        }
        guard count > 0 else { break }
        bytes += buffer[..<count]
        if let end, String(decoding: bytes, as: UTF8.self).contains(end) { break }
      }
      return String(decoding: bytes, as: UTF8.self)
    }.value
  }
}
