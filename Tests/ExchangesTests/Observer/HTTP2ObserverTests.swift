import Testing

@testable import Exchanges

@Suite struct HTTP2ObserverTests {
  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  private func frame(_ kind: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
    let size = payload.count
    let header: [UInt8] = [UInt8(size >> 16), UInt8(size >> 8 & 255), UInt8(size & 255), kind, flags, 0, 0, 0, stream]
    return header + payload
  }

  /// Fields that the decoder also puts into its table.
  private func block(_ fields: [(String, String)]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (name, value) in fields {
      bytes += [0x40, UInt8(name.utf8.count)]
      bytes += Array(name.utf8)
      bytes.append(UInt8(value.utf8.count))
      bytes += Array(value.utf8)
    }
    return bytes
  }

  private func request(_ stream: UInt8, isLast: Bool = false) -> [UInt8] {
    frame(
      1, isLast ? 5 : 4, stream,
      block([
        (":method", "POST"), (":path", "/user.User/Get"), (":authority", "user:80"),
        ("content-type", "application/grpc"),
      ]))
  }

  private func answer(_ stream: UInt8) -> [UInt8] {
    frame(1, 4, stream, block([(":status", "200"), ("content-type", "application/grpc")]))
  }

  private func trailers(_ stream: UInt8, _ status: String = "0") -> [UInt8] {
    frame(1, 5, stream, block([("grpc-status", status), ("grpc-message", "fine")]))
  }

  @Test func aCallOfGRPC() throws {
    for piece in [1, 2, 9, 10, 100, Int.max] {
      let connection = ObservedConnection(bodies: true, piece: piece)
      // The server's settings come first.
      connection.server(frame(4, 0, 0, [0, 1, 0, 0, 0x40, 0]))
      connection.client(Self.preface + frame(4, 0, 0) + request(1) + frame(0, 1, 1, [0, 0, 0, 0, 1, 7]))
      connection.server(frame(4, 1, 0) + answer(1) + frame(0, 8, 1, [2, 65, 66, 0, 0]) + trailers(1, "5"))
      let one = try #require(connection.record.exchanges.first)
      #expect(connection.record.lines == ["POST /user.User/Get 200 ↑6 ↓2"])
      #expect(one.version == "HTTP/2" && one.request.authority == "user:80" && one.grpcStatus == 5)
      #expect(one.request.fields == [Exchange.Field("content-type", "application/grpc")])
      #expect(one.answer?.trailers.map(\.value) == ["5", "fine"])
      #expect(one.request.body?.bytes == [0, 0, 0, 0, 1, 7] && one.answer?.body?.bytes == [65, 66])
      #expect(connection.observer.isFollowing)
    }
  }

  @Test("Heads of streams under way have a budget, which ended ones give back")
  func headsUnderWayHaveABudget() {
    let connection = ObservedConnection()
    connection.client(Self.preface + frame(4, 0, 0) + request(1))
    let one = connection.record.held
    #expect(one > 40)
    // Many blocks of trailers: the last counts.
    connection.server(answer(1))
    for _ in 0..<50 { connection.server(frame(1, 4, 1, block([("grpc-status", "0")]))) }
    #expect(connection.record.held < 3 * one)
    connection.server(trailers(1))
    #expect(connection.record.held == 0 && connection.record.exchanges.count == 1)
    connection.record.headRoom = 3 * one
    for stream in stride(from: 3, to: 200, by: 2) as StrideTo<UInt8> { connection.client(request(stream)) }
    #expect(!connection.observer.isFollowing && connection.record.held == 0)
    #expect(connection.record.begun.count == 4)
  }

  @Test func streamsAtOnceAndTheTable() {
    let connection = ObservedConnection()
    connection.client(Self.preface + frame(4, 0, 0) + request(1))
    // 62: the newest entry of the table.
    connection.client(frame(1, 5, 3, [0x82, 0xbf, 0xc0, 0xbe]))
    connection.server(answer(3) + frame(0, 1, 3, [1, 2, 3]) + answer(1) + frame(0, 1, 1))
    #expect(connection.record.lines == ["GET /user.User/Get 200 ↑0 ↓3", "POST /user.User/Get 200 ↑0 ↓0"])
  }

  @Test func aHeadInPieces() {
    let connection = ObservedConnection(piece: 4)
    let fields = block([(":method", "GET"), (":path", "/x")])
    connection.client(Self.preface + frame(4, 0, 0) + frame(1, 1, 1, Array(fields.prefix(5))))
    connection.client(frame(9, 4, 1, Array(fields.dropFirst(5))))
    connection.server(frame(1, 4, 1, block([(":status", "103")])) + frame(1, 5, 1, block([(":status", "204")])))
    #expect(connection.record.lines == ["GET /x 204 ↑0 ↓0"])
  }

  @Test func resets() {
    let connection = ObservedConnection()
    connection.client(Self.preface + frame(4, 0, 0) + request(1) + request(3) + request(5, isLast: true))
    connection.client(frame(3, 0, 1, [0, 0, 0, 8]))
    connection.server(answer(3) + frame(3, 0, 3, [0, 0, 0, 2]))
    connection.observer.closed("the connection was reset", now: 101)
    #expect(
      connection.record.lines == [
        "POST /user.User/Get 0 ↑0 ↓0 (the client cancelled it (CANCEL))",
        "POST /user.User/Get 200 ↑0 ↓0 (the server reset it (INTERNAL_ERROR))",
        "POST /user.User/Get 0 ↑0 ↓0 (the connection was reset)",
      ])
  }

  @Test(
    "A connection that is wrong is not followed",
    arguments: [
      [0, 0, 1, 5, 4, 0, 0, 0, 1, 0],  // a push
      [0, 0, 1, 1, 4, 0, 0, 0, 1, 0x80],  // no header block
      [0, 0, 0, 0, 9, 0, 0, 0, 1],  // padding without its size
      [0, 0, 1, 0, 9, 0, 0, 0, 1, 1],  // more padding than payload
      [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82, 0, 0, 0, 0, 1, 0, 0, 0, 1],  // DATA within a head
      [0xff, 0xff, 0xff, 1, 4, 0, 0, 0, 1],  // a huge head
    ] as [[UInt8]])
  func wrong(_ bytes: [UInt8]) {
    for piece in [1, Int.max] {
      let connection = ObservedConnection(piece: piece)
      connection.client(Self.preface + frame(4, 0, 0) + request(1))
      connection.server(bytes)
      #expect(!connection.observer.isFollowing)
      #expect(connection.record.exchanges.count == 1 && connection.record.exchanges[0].failure != nil)
    }
  }

  @Test func headsAreBounded() {
    let connection = ObservedConnection()
    connection.client(Self.preface + frame(4, 0, 0))
    let large =
      block([(":method", "GET"), (":path", "/x")]) + [0x00, 1, 97, 0x7f, 0x81, 0x7e]
      + [UInt8](repeating: 97, count: 16256)
    for stream in stride(from: UInt8(1), to: 141, by: 2) { connection.client(frame(1, 4, stream, large)) }
    #expect(!connection.observer.isFollowing)
    #expect(connection.record.exchanges.count < 70)
  }
}
