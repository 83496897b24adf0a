import Testing

@testable import Agent

/// A frame (RFC 9113, section 4.1).
func http2Frame(_ kind: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
  let size = payload.count
  return [UInt8(size >> 16), UInt8(size >> 8 & 255), UInt8(size & 255), kind, flags]
    + [24, 16, 8, 0].map { UInt8(stream >> $0 & 255) } + payload
}

struct HTTP2ConnectionTests {
  private static let settings = http2Frame(4)

  /// Feeds the server's bytes in pieces; returns the offsets at which a frame may be inserted.
  private func places(_ connection: inout HTTP2Connection, _ bytes: [UInt8], step: Int) -> [Int] {
    var found: [Int] = []
    var offset = 0
    while offset < bytes.count {
      let piece = Array(bytes[offset..<min(offset + step, bytes.count)])
      piece.withUnsafeBytes { raw in
        var rest = raw
        while !rest.isEmpty {
          connection.fromServer(&rest)
          if connection.mayInsert { found.append(offset + piece.count - rest.count) }
        }
      }
      offset += piece.count
    }
    return found
  }

  @Test("Lets a frame in between frames alone", arguments: [1, 3, 9, 1000])
  func placesBetweenFrames(step: Int) {
    let bytes =
      Self.settings + http2Frame(6, [UInt8](repeating: 7, count: 8)) + http2Frame(0, stream: 1, [1, 2, 3])
      + http2Frame(8, [0, 0, 0, 1])
    var connection = HTTP2Connection()
    #expect(places(&connection, bytes, step: step) == [9, 9 + 17, 9 + 17 + 12, 9 + 17 + 12 + 13])
  }

  @Test("Lets none in before the server's SETTINGS, nor after its GOAWAY")
  func placesOfSettingsAndGoAway() {
    var connection = HTTP2Connection()
    #expect(!connection.mayInsert)
    #expect(places(&connection, http2Frame(6, [UInt8](repeating: 7, count: 8)), step: 4) == [])
    #expect(places(&connection, Self.settings, step: 4) == [9])
    let goAway = http2Frame(7, [0, 0, 0, 1, 0, 0, 0, 0])
    #expect(places(&connection, goAway + Self.settings, step: 4) == [])
    #expect(connection.isEnding)
  }

  @Test("Lets none into a header block", arguments: [1 as UInt8, 5])
  func placesOfHeaderBlocks(kind: UInt8) {
    var connection = HTTP2Connection()
    let bytes =
      Self.settings + http2Frame(kind, stream: 1, [1]) + http2Frame(9, stream: 1, [2])
      + http2Frame(9, flags: 4, stream: 1, [3])
    #expect(places(&connection, bytes, step: 2) == [9, bytes.count])
  }

  private func client(_ connection: inout HTTP2Connection, _ frames: [UInt8]..., step: Int = 5) {
    let bytes = Array(frames.joined())
    for start in stride(from: 0, to: bytes.count, by: step) {
      Array(bytes[start..<min(start + step, bytes.count)]).withUnsafeBytes { connection.fromClient($0) }
    }
  }

  private func server(_ connection: inout HTTP2Connection, _ frames: [UInt8]...) {
    _ = places(&connection, Array(frames.joined()), step: 7)
  }

  @Test("Knows the last stream, and is quiet once the server has ended all")
  func countsStreams() {
    var connection = HTTP2Connection()
    #expect(connection.isQuiet && connection.lastStream == 0)
    client(&connection, Self.settings, http2Frame(1, flags: 4, stream: 1, [1, 2]), http2Frame(0, stream: 1, [9]))
    #expect(!connection.isQuiet && connection.lastStream == 1)
    client(&connection, http2Frame(1, flags: 5, stream: 7, [1, 2]))
    // Trailers belong to an open stream.
    client(&connection, http2Frame(1, flags: 5, stream: 1))
    #expect(connection.lastStream == 7)
    server(&connection, Self.settings, http2Frame(1, flags: 4, stream: 1), http2Frame(0, flags: 1, stream: 1, [1]))
    #expect(!connection.isQuiet)
    server(&connection, http2Frame(1, flags: 5, stream: 7))
    #expect(connection.isQuiet && connection.lastStream == 7)
  }

  @Test("Counts a stream that either side has reset as ended, once")
  func countsResets() {
    var connection = HTTP2Connection()
    client(&connection, http2Frame(1, stream: 1), http2Frame(1, stream: 3), http2Frame(3, stream: 1, [0, 0, 0, 8]))
    server(&connection, Self.settings, http2Frame(3, stream: 1, [0, 0, 0, 8]))
    #expect(!connection.isQuiet)
    server(&connection, http2Frame(3, stream: 3, [0, 0, 0, 8]))
    #expect(connection.isQuiet)
  }

  @Test("Is never quiet again after more streams at once than it follows")
  func crowded() {
    var connection = HTTP2Connection()
    for stream in 0..<1025 { client(&connection, http2Frame(1, stream: UInt32(2 * stream + 1))) }
    for stream in 0..<1025 { server(&connection, http2Frame(3, stream: UInt32(2 * stream + 1), [0, 0, 0, 8])) }
    #expect(!connection.isQuiet && connection.lastStream == 2049)
  }

  @Test("Writes a GOAWAY as RFC 9113 has it")
  func goAway() {
    var bytes = [UInt8](repeating: 0xff, count: HTTP2Connection.goAwaySize)
    bytes.withUnsafeMutableBytes { HTTP2Connection.writeGoAway(lastStream: 0x7fff_ffff, to: $0.baseAddress!) }
    #expect(bytes == http2Frame(7, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]))
  }
}
