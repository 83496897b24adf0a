import Bastion
import CLinux
import Foundation
import Glibc
import TestSupport
import Testing

@testable import KubeAPI

/// libcurl's connections through a bastion.
@Suite(.enabled(if: SSHServer.isInstalled, Comment(rawValue: SSHServer.missing)), .timeLimit(.minutes(2)))
struct ConnectorTests {
  private func client(_ bastion: BastionConnection, _ server: String, proxy: String? = nil) -> KubeClient {
    let access = ClusterAccess(server: ServerURL(server)!, proxyURL: proxy, connector: bastion.connector)
    return KubeClient(access, retry: RetryPolicy(attempts: 1, delay: .milliseconds(10)))
  }

  @Test func requestsShareAConnectionThatIsAChannel() async throws {
    let ssh = try SSHServer()
    let http = HTTPServer()
    defer {
      ssh.stop()
      http.stop()
    }
    let bastion = BastionConnection(try ssh.settings())
    // Nothing listens there: a proxy must not be asked.
    let client = client(bastion, "http://127.0.0.1:\(http.port)", proxy: "http://127.0.0.1:1")
    for index in 0..<5 {
      let answer = try await client.send(HTTPRequest("GET", "/api/\(index)"))
      #expect(String(decoding: answer.body, as: UTF8.self) == #"{"target":"/api/\#(index)"}"#)
    }
    #expect(http.connections == 1)
    #expect(http.hosts == ["127.0.0.1:\(http.port)"])
    bastion.close()
  }

  @Test func namesAreTheBastionsToResolve() async throws {
    let ssh = try SSHServer()
    let http = HTTPServer()
    defer {
      ssh.stop()
      http.stop()
    }
    let bastion = BastionConnection(try ssh.settings())
    let client = client(bastion, "http://localhost:\(http.port)")
    _ = try await client.send(HTTPRequest("GET", "/"))
    #expect(http.hosts == ["localhost:\(http.port)"])
    let error = await #expect(throws: KubeError.self) {
      try await self.client(bastion, "http://no-such-host.invalid:80").send(HTTPRequest("GET", "/"))
    }
    // The SSH host was asked for it, and no resolver here.
    guard case .unreachable(_, let cause) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(cause.contains("does not connect to no-such-host.invalid:80"), "\(cause)")
    bastion.close()
  }

  @Test func aWebSocketIsDialled() async throws {
    let ssh = try SSHServer()
    let http = HTTPServer()
    defer {
      ssh.stop()
      http.stop()
    }
    let bastion = BastionConnection(try ssh.settings())
    let connection = try await client(bastion, "http://127.0.0.1:\(http.port)").dialWebSocket(
      path: "/", subprotocols: ["a"])
    #expect(connection.send("hello", 5) == .sent(5))
    var text = ""
    var chunk = [UInt8](repeating: 0, count: 100)
    while text.utf8.count < 5 {
      var entry = pollfd(fd: connection.socket, events: Int16(POLLIN), revents: 0)
      try #require(poll(&entry, 1, 5000) > 0)
      if case .received(let count) = chunk.withUnsafeMutableBytes({ connection.receive($0.baseAddress!, $0.count) }) {
        text += String(decoding: chunk[..<count], as: UTF8.self)
      }
    }
    #expect(text == "hello")
    connection.close()
    bastion.close()
  }

  @Test func aRefusalOfTheBastionIsTheErrorOfTheRequest() async throws {
    let ssh = try SSHServer()
    defer { ssh.stop() }
    let unknown = BastionConnection(try ssh.settings(knownHosts: ""))
    let error = await #expect(throws: KubeError.self) {
      try await client(unknown, "https://127.0.0.1:6443").send(HTTPRequest("GET", "/"))
    }
    guard case .config(_, _, _, let problem, _) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(problem.contains(try ssh.fingerprint()))
    let dialled = await #expect(throws: KubeError.self) {
      try await client(unknown, "https://127.0.0.1:6443").dialWebSocket(path: "/", subprotocols: ["a"])
    }
    #expect(dialled?.description.contains("is not known") == true)
    var settings = try ssh.settings()
    settings.port = freePort()
    let away = BastionConnection(settings)
    let unreachable = await #expect(throws: KubeError.self) {
      try await client(away, "https://127.0.0.1:6443").send(HTTPRequest("GET", "/"))
    }
    guard case .unreachable = unreachable else {
      Issue.record("\(unreachable as Any)")
      return
    }
    unknown.close()
    away.close()
  }

  @Test func twoBastionsToTheSameNameShareNoConnection() async throws {
    let (first, second) = (try SSHServer(), try SSHServer())
    let http = HTTPServer()
    defer {
      first.stop()
      second.stop()
      http.stop()
    }
    let transport = CurlMulti()
    for server in [first, second, first] {
      let bastion = BastionConnection(try server.settings())
      let access = ClusterAccess(server: ServerURL("http://127.0.0.1:\(http.port)")!, connector: bastion.connector)
      _ = try await KubeClient(access, transport: transport).send(HTTPRequest("GET", "/"))
    }
    #expect(http.connections == 3)
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "openssl is not installed"))
  func tlsChecksTheServersOwnName() async throws {
    let ssh = try SSHServer()
    let (certificate, key) = ("\(ssh.directory)/tls.crt", "\(ssh.directory)/tls.key")
    try run(
      "/usr/bin/openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
        certificate, "-subj", "/CN=api", "-days", "2",
      ]
        + ["-addext", "subjectAltName=DNS:localhost,DNS:kubernetes"])
    let port = freePort()
    let process = try ChildProcess(
      "/usr/bin/openssl", ["s_server", "-accept", "127.0.0.1:\(port)", "-cert", certificate, "-key", key, "-www"])
    defer {
      process.end()
      ssh.stop()
    }
    try #require(process.output.wait(for: "ACCEPT"))
    let bastion = BastionConnection(try ssh.settings())
    let authority = Array(try Data(contentsOf: URL(filePath: certificate)))
    func access(_ host: String, name: String? = nil) -> ClusterAccess {
      ClusterAccess(
        server: ServerURL("https://\(host):\(port)")!, certificateAuthority: authority, tlsServerName: name,
        connector: bastion.connector)
    }
    let once = RetryPolicy(attempts: 1, delay: .zero)
    #expect(try await KubeClient(access("localhost"), retry: once).send(HTTPRequest("GET", "/")).head.status == 200)
    #expect(
      try await KubeClient(access("127.0.0.1", name: "kubernetes"), retry: once).send(HTTPRequest("GET", "/")).head
        .status == 200)
    let error = await #expect(throws: KubeError.self) {
      try await KubeClient(access("127.0.0.1"), retry: once).send(HTTPRequest("GET", "/"))
    }
    guard case .certificate = error else {
      Issue.record("\(error as Any)")
      return
    }
    bastion.close()
  }
}
