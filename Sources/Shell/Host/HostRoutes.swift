import CLinux
import Outbound

/// The machine's own IPv4 routes (proc(5), /proc/net/route).
public struct HostRoutes: Sendable, Hashable {
  public struct Route: Sendable, Hashable {
    public var range: CIDR
    public var device: String
    /// The router that packets go to; nil if the range is on the link.
    public var gateway: IPAddress?
  }

  public let routes: [Route]

  /// Reads the routes of the moment; none if the file cannot be read.
  public static func read(path: String = "/proc/net/route") -> HostRoutes {
    HostRoutes(parsing: String(decoding: contents(path), as: UTF8.self))
  }

  /// Reads the file. Foundation ends a file of /proc at its first page.
  private static func contents(_ path: String) -> [UInt8] {
    let fd = clinux_open_for_reading(path)
    guard fd >= 0 else { return [] }
    defer { clinux_close(fd) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    while case let count = clinux_read(fd, &part, part.count), count > 0 { bytes += part[..<count] }
    return bytes
  }

  /// Parses the file, whose addresses and masks are hexadecimal, least significant byte first.
  init(parsing text: String) {
    routes = text.split(whereSeparator: \.isNewline).dropFirst().compactMap { line in
      let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
      guard fields.count > 7, let address = UInt32(fields[1], radix: 16), let mask = UInt32(fields[7], radix: 16) else {
        return nil
      }
      guard let range = try? CIDR(parsing: Self.dotted(address) + "/\(mask.nonzeroBitCount)") else { return nil }
      let gateway = UInt32(fields[2], radix: 16).flatMap { $0 == 0 ? nil : IPAddress(parsing: Self.dotted($0)) }
      return Route(range: range, device: String(fields[0]), gateway: gateway)
    }
  }

  private static func dotted(_ address: UInt32) -> String {
    (0..<4).map { "\(UInt8(truncatingIfNeeded: address >> UInt32(8 * $0)))" }.joined(separator: ".")
  }

  /// The addresses that this machine uses: the ranges of its routes, and its routers.
  public var taken: [HostRanges.Taken] {
    routes.filter { $0.range.length > 0 }.map { .init($0.range, owner: $0.device) }
      + Set(routes.compactMap(\.gateway)).sorted { $0.description < $1.description }.map {
        .init(CIDR($0), owner: "the router of this machine")
      }
  }

  /// Returns the routes that share addresses with a range; the default route shares none.
  public func overlaps(_ range: CIDR) -> [Route] {
    routes.filter { $0.range.length > 0 && ($0.range.contains(range.address) || range.contains($0.range.address)) }
  }
}
