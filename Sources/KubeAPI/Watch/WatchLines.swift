import KubeObjects

/// Cuts a watch's body into lines, and reads each as an event. Takes bytes in any pieces.
struct WatchLines {
  enum Line: Equatable {
    case event(WatchEvent)
    /// The server ends the watch, with the reason.
    case error(KubeError)
  }

  /// etcd holds at most 1.5 MiB of an object; its JSON may be longer.
  static let limit = 64 << 20

  private var partial: [UInt8] = []

  /// - Throws: `KubeError.badResponse` for a line that is not an event, or has no end.
  mutating func read(_ bytes: [UInt8], server: String) throws(KubeError) -> [Line] {
    var lines: [Line] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 10) {
      partial += rest[..<end]
      rest = rest[(end + 1)...]
      if !partial.isEmpty { lines.append(try Self.line(partial, server)) }
      partial.removeAll(keepingCapacity: partial.capacity < 1 << 20)
    }
    partial += rest
    guard partial.count <= Self.limit else {
      throw .badResponse(server: server, problem: "an event of a watch is longer than \(Self.limit) bytes")
    }
    return lines
  }

  private static func line(_ bytes: [UInt8], _ server: String) throws(KubeError) -> Line {
    guard let json = try? JSONValue(parsing: bytes), let object = json["object"] else {
      throw .badResponse(server: server, problem: "a line of a watch is not an event")
    }
    switch json["type"]?.stringValue {
    case "ADDED": return .event(.added(object))
    case "MODIFIED": return .event(.modified(object))
    case "DELETED": return .event(.deleted(object))
    case "BOOKMARK": return .event(.bookmark(resourceVersion: object.resourceVersion ?? ""))
    case "ERROR":
      let status = APIStatus(object)
      return .error(
        .status(
          code: status.code ?? 500, reason: status.reason,
          message: status.message ?? "the watch ended without an explanation", details: status.details))
    case let other: throw .badResponse(server: server, problem: "a watch has an event of type '\(other ?? "")'")
    }
  }
}
