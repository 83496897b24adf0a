import Foundation
import Relay
import TestSupport
import Testing

@testable import Outbound

/// A client that is not part of this project.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl"))) struct CurlTests {
  private func curl(_ proxy: ProxyFixture, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
    process.arguments = ["-sS", "--max-time", "10", "--noproxy", ""] + arguments
    process.environment = [:]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    #expect(proxy.harness.loop.turn(seconds: 15) { !process.isRunning })
    return (process.terminationStatus, String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
  }

  @Test(arguments: ["socks5h://", "socks4a://", "http://"])
  func curlGetsThrough(scheme: String) throws {
    let proxy = ProxyFixture()
    for host in ["user", "user.shop.svc.cluster.local", "10.96.0.7"] {
      let (status, output) = try curl(proxy, ["-x", "\(scheme)127.0.0.1:\(proxy.port)", "http://\(host):8080/"])
      #expect(status == 0 && output == "hello\n")
    }
  }

  @Test func curlTunnels() throws {
    let proxy = ProxyFixture()
    #expect(try curl(proxy, ["-p", "-x", "http://127.0.0.1:\(proxy.port)", "http://user:8080/"]).output == "hello\n")
  }

  @Test func curlHearsRefusals() throws {
    let proxy = ProxyFixture()
    proxy.harness.agent.tcpTarget = { _ in nil }
    #expect(try curl(proxy, ["-x", "socks5h://127.0.0.1:\(proxy.port)", "http://user:8080/"]).status == 97)
    #expect(
      try curl(
        proxy, ["-x", "http://127.0.0.1:\(proxy.port)", "-w", "%{http_code}", "-o", "/dev/null", "http://user:8080/"]
      ).output == "502")
  }
}
