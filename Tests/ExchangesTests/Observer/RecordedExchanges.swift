@testable import Exchanges

/// Keeps what an observer reports.
final class RecordedExchanges: ObserverDriver {
  var bodies = false
  /// Bytes of bodies that may still be kept.
  var room = Int.max
  /// Bytes of heads under way that may still be held, and those that are.
  var headRoom = Int.max
  var held = 0
  var kinds: [ConnectionKind] = []
  var begun: [UInt64] = []
  var exchanges: [Exchange] = []
  private var last: UInt64 = 0

  override func nextID() -> UInt64 {
    last += 1
    return last
  }
  override var keepsBodies: Bool { bodies }
  override func mayKeep(_ count: Int) -> Bool {
    guard room >= count else { return false }
    room -= count
    return true
  }
  override func mayHold(_ count: Int) -> Bool {
    guard count <= headRoom - held else { return false }
    held += count
    return true
  }
  override func isOf(_ kind: ConnectionKind) { kinds.append(kind) }
  override func began(_ exchange: ObservedExchange) { begun.append(exchange.id) }
  override func ended(_ exchange: ObservedExchange) { exchanges.append(exchange.exchange()) }

  /// A line for each: `GET /a 200 ↑0 ↓3`, and the failure.
  var lines: [String] {
    exchanges.map {
      "\($0.request.method) \($0.request.target) \($0.answer?.status ?? 0) ↑\($0.request.size) ↓\($0.answer?.size ?? 0)"
        + ($0.failure.map { " (\($0))" } ?? "")
    }
  }
}

/// An observed connection between two peers that write bytes.
struct ObservedConnection {
  let record = RecordedExchanges()
  let observer: ConnectionObserver
  var now = 100.0
  /// Each side's bytes come in pieces of at most so many bytes.
  var piece = Int.max

  init(bodies: Bool = false, piece: Int = .max) {
    record.bodies = bodies
    self.piece = piece
    observer = ConnectionObserver(
      ObservedPlace(way: .intercept, taker: .host, service: "user", namespace: "shop", port: 8080), driver: record)
  }

  func client(_ text: String) { client(Array(text.utf8)) }
  func server(_ text: String) { server(Array(text.utf8)) }
  func client(_ bytes: [UInt8]) { cut(bytes) { observer.fromClient($0, now: now) } }
  func server(_ bytes: [UInt8]) { cut(bytes) { observer.fromServer($0, now: now) } }

  private func cut(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) -> Void) {
    var start = 0
    while start < bytes.count {
      let end = start + min(piece, bytes.count - start)
      // Memory of its own, so that a byte beyond the piece is not read unnoticed.
      Array(bytes[start..<end]).withUnsafeBytes(body)
      start = end
    }
  }
}
