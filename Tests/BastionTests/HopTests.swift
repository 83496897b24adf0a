import Glibc
import Testing

@testable import Bastion

/// Ways over several SSH hosts (ProxyJump), through real sshds.
@Suite(.enabled(if: SSHServer.isInstalled, Comment(rawValue: SSHServer.missing)), .timeLimit(.minutes(2)))
struct HopTests {
  /// Three hosts, and the settings of the last one, which is reached through the first two.
  private func withHosts(
    options: [String] = ["", "", ""],
    _ body: (_ hosts: [SSHServer], _ settings: BastionSettings, _ echo: LoopbackServer) async throws -> Void
  ) async throws {
    var hosts: [SSHServer] = []
    let echo = LoopbackServer.echo()
    defer {
      for host in hosts { host.stop() }
      echo.stop()
    }
    for text in options { hosts.append(try SSHServer(options: text)) }
    var settings = try hosts[2].settings()
    settings.hops = [try hosts[0].settings(), try hosts[1].settings()]
    try await body(hosts, settings, echo)
  }

  private func open(_ bastion: BastionConnection, _ port: UInt16) async throws -> Int32 {
    let result: Result<Int32, BastionError> = await blocking {
      do throws(BastionError) { return .success(try bastion.open(host: "127.0.0.1", port: port)) } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private func eventually(_ isSo: () async -> Bool) async -> Bool {
    let limit = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < limit {
      if await isSo() { return true }
      try? await Task.sleep(for: .milliseconds(50))
    }
    return false
  }

  @Test func bytesPassEachHostAndAllSessionsEnd() async throws {
    try await withHosts { hosts, settings, echo in
      let bastion = BastionConnection(settings)
      try await bastion.connect()
      let text = String(repeating: "over three hosts ", count: 100_000)
      #expect(await (try open(bastion, echo.port)).exchange(text) == text)
      #expect(hosts.allSatisfy { $0.children.count == 1 })
      bastion.close()
      for host in hosts { #expect(await eventually { host.children.isEmpty }) }
    }
  }

  @Test func aHostThatBreaksIsReachedAgain() async throws {
    try await withHosts { hosts, settings, echo in
      let bastion = BastionConnection(settings)
      try await bastion.connect()
      for host in hosts {
        host.signalChildren(SIGKILL)
        #expect(await eventually { (try? await open(bastion, echo.port).exchange("again")) == "again" })
      }
      bastion.close()
    }
  }

  @Test func anErrorNamesTheHostThatHasIt() async throws {
    try await withHosts(options: ["", "AllowTcpForwarding no", ""]) { hosts, settings, _ in
      let error = await #expect(throws: BastionError.self) { try await BastionConnection(settings).connect() }
      guard case .channelRefused(let host, let target, _) = error else {
        Issue.record("\(error as Any)")
        return
      }
      #expect(host == "[127.0.0.1]:\(hosts[1].port)" && target == "127.0.0.1:\(hosts[2].port)")
      var unknown = settings
      unknown.hops[0].knownHostsFiles = []
      let other = await #expect(throws: BastionError.self) { try await BastionConnection(unknown).connect() }
      guard case .hostKeyUnknown(let host, _, _) = other else {
        Issue.record("\(other as Any)")
        return
      }
      #expect(host == "[127.0.0.1]:\(hosts[0].port)")
      unknown.answer(accept: { _ in true }, passphrase: { _ in nil })
      #expect(unknown.hops.allSatisfy { $0.accept != nil })
    }
  }
}
