import Glibc
import Testing

@testable import ControlAPI

@Suite(.timeLimit(.minutes(1)))
struct ControlClientTests {
  /// A client, and the descriptor of a daemon that says nothing.
  private func pair(patience: Duration) throws -> (ControlClient, Int32) {
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
    let connection = try LineConnection(ends[0])
    return (ControlClient(patience: patience) { () async throws(ControlError) in connection }, ends[1])
  }

  @Test func aCancelledCallWhosePatienceIsOverSaysThatTheDaemonGoesOn() async throws {
    let (client, daemon) = try pair(patience: .milliseconds(50))
    let call = Task { try await client.call(StatusRequest()) }
    call.cancel()
    let problem = await #expect(throws: ControlError.self) { _ = try await call.value }
    #expect(problem?.code == .cancelled)
    close(daemon)
  }

  @Test func aDaemonThatEndsIsToldAsSuch() async throws {
    let (client, daemon) = try pair(patience: .seconds(30))
    let call = Task { try await client.call(StatusRequest()) }
    close(daemon)
    let problem = await #expect(throws: ControlError.self) { _ = try await call.value }
    #expect(problem?.code == .failed)
  }
}
