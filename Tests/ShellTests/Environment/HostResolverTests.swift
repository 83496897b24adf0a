import Foundation
import Outbound
import Testing

@testable import Shell

extension Scratch {
  /// A resolver that follows a file of this scratch directory.
  func resolver(_ text: String) throws -> HostResolver {
    try write(text)
    return HostResolver(path: path + "/resolv.conf")
  }

  fileprivate func write(_ text: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path + "/resolv.conf"))
  }
}

struct HostResolverTests {
  private func addresses(_ servers: [IPEndpoint]?) -> [String]? { servers?.map(\.description) }

  @Test func eachWayToChangeTheFileIsSeenOnce() throws {
    let scratch = try Scratch()
    let file = scratch.path + "/resolv.conf"
    let resolver = try scratch.resolver("nameserver 192.0.2.54\nsearch office.example\n")
    #expect(addresses(resolver.servers) == ["192.0.2.54:53"] && resolver.changedServers() == nil)

    // In place.
    let handle = try #require(FileHandle(forWritingAtPath: file))
    try handle.truncate(atOffset: 0)
    #expect(resolver.changedServers() == nil, "none is no change: a file that is being written")
    try handle.write(contentsOf: Data("nameserver 192.0.2.55\n".utf8))
    try handle.close()
    #expect(addresses(resolver.changedServers()) == ["192.0.2.55:53"] && resolver.changedServers() == nil)

    // By a rename, as VPN clients do.
    try Data("nameserver 192.0.2.56\nnameserver ::1\n".utf8).write(to: URL(filePath: file + ".vpn"))
    #expect(rename(file + ".vpn", file) == 0)
    #expect(addresses(resolver.changedServers()) == ["192.0.2.56:53", "[::1]:53"])

    // By another link, as systemd-resolved's.
    try Data("nameserver 192.0.2.57\n".utf8).write(to: URL(filePath: file + ".stub"))
    try FileManager.default.removeItem(atPath: file)
    #expect(resolver.changedServers() == nil)
    try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: file + ".stub")
    #expect(addresses(resolver.changedServers()) == ["192.0.2.57:53"])
    try scratch.write("# a comment\nnameserver 192.0.2.57\n")
    #expect(resolver.changedServers() == nil && addresses(resolver.servers) == ["192.0.2.57:53"])
  }

  @Test func aMachineWithoutTheFileGetsItsServersLater() throws {
    let scratch = try Scratch()
    let resolver = HostResolver(path: scratch.path + "/resolv.conf")
    #expect(resolver.servers.isEmpty && resolver.changedServers() == nil)
    try scratch.write("nameserver 192.0.2.54\n")
    #expect(addresses(resolver.changedServers()) == ["192.0.2.54:53"])
  }
}
