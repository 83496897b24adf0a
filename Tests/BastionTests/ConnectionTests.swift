import Bastion
import Foundation
import Glibc
import Testing

@Suite(.enabled(if: SSHServer.isInstalled, Comment(rawValue: SSHServer.missing)), .timeLimit(.minutes(2)))
struct ConnectionTests {
  @Test func aKeyFileLogsInAndAChannelCarriesBytes() async throws {
    let server = try SSHServer()
    let echo = LoopbackServer.echo()
    defer {
      server.stop()
      echo.stop()
    }
    let bastion = BastionConnection(try server.settings())
    try await bastion.connect()
    let socket = try bastion.open(host: "127.0.0.1", port: echo.port)
    #expect(await socket.exchange("hello") == "hello")
    bastion.close()
  }
}
