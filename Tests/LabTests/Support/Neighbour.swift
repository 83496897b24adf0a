import CLinux
import Foundation
import Subprocess
import Testing

/// A machine beside the host: a network namespace on a line of its own, which goes with it.
final class Neighbour: Sendable {
  let namespace: String
  /// Its private address on the line.
  let address: String
  /// A public one, by a route of the host's.
  let publicAddress: String
  private let link: String

  /// Runs a test beside it.
  static func run<Result>(_ lab: Lab, _ test: (Neighbour) async throws -> Result) async throws -> Result {
    let neighbour = Neighbour(directory: lab.directory)
    defer { clinux_ns_delete(neighbour.namespace) }
    try await neighbour.start()
    return try await test(neighbour)
  }

  private init(directory: String) {
    let (a, b, c) = (UInt8.random(in: 200...250), UInt8.random(in: 1...250), UInt8.random(in: 2...250))
    namespace = "\(directory)/neighbour-\(a)-\(b)"
    link = "dtlab\(a)x\(b)"
    address = "10.\(a).\(b).2"
    publicAddress = "203.0.113.\(c)"
  }

  /// The host's on the line.
  var ours: String { String(address.dropLast()) + "1" }

  private func start() async throws {
    let code = clinux_ns_create(namespace)
    guard code == 0 else { throw RequestFailure("\(namespace): \(String(cString: strerror(-code)))") }
    try await ip("link add \(link) type veth peer name eth0 netns \(namespace)")
    try await ip("address add \(ours)/30 dev \(link)")
    try await ip("link set \(link) up")
    for words in [
      "address add \(address)/30 dev eth0", "address add \(publicAddress)/32 dev lo", "link set lo up",
      "link set eth0 up",
    ] {
      try await inside("ip " + words)
    }
    try await ip("route add \(publicAddress)/32 via \(address)")
  }

  private func ip(_ words: String) async throws {
    try await command(["ip"] + words.split(separator: " ").map(String.init))
  }
  @discardableResult
  func inside(_ words: String) async throws -> String {
    try await command(["nsenter", "--net=\(namespace)"] + words.split(separator: " ").map(String.init))
  }
}

/// Runs a program to its end.
@discardableResult
func command(_ words: [String]) async throws -> String {
  let done = try await Subprocess.run(
    .name(words[0]), arguments: Arguments(Array(words.dropFirst())), output: .string(limit: 1 << 20),
    error: .string(limit: 1 << 20))
  guard done.terminationStatus.isSuccess else {
    throw RequestFailure("\(words.joined(separator: " ")): \(done.standardError)")
  }
  return done.standardOutput
}
