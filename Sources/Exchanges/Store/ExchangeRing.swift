/// The exchanges of a place, in the order of their ends.
///
/// Unchecked: it belongs to the store's lock.
final class ExchangeRing: @unchecked Sendable {
  private var kept: [ObservedExchange] = []
  private var start = 0
  /// Those before have no body.
  private var bodyStart = 0
  /// The bytes of bodies.
  private(set) var bodyBytes = 0

  var count: Int { kept.count - start }
  var exchanges: ArraySlice<ObservedExchange> { kept[start...] }
  /// The numbers of the first and the last one; 0 without.
  var first: UInt64 { start < kept.count ? kept[start].id : 0 }
  var last: UInt64 { kept.last?.id ?? 0 }

  func append(_ exchange: ObservedExchange) {
    kept.append(exchange)
    bodyBytes += exchange.bodyBytes
  }

  /// Drops the oldest one.
  /// - Returns: the bytes of its heads and bodies.
  func dropFirst() -> (heads: Int, bodies: Int) {
    guard start < kept.count else { return (0, 0) }
    let (heads, bodies) = (kept[start].headBytes, kept[start].bodyBytes)
    bodyBytes -= bodies
    kept[start].forget()
    start += 1
    bodyStart = max(bodyStart, start)
    if start > 64, start * 2 > kept.count {
      kept.removeFirst(start)
      bodyStart -= start
      start = 0
    }
    return (heads, bodies)
  }

  /// Forgets the oldest bodies.
  /// - Returns: their bytes.
  func dropBody() -> Int {
    while bodyStart < kept.count {
      let bytes = kept[bodyStart].bodyBytes
      kept[bodyStart].dropBodies()
      bodyStart += 1
      bodyBytes -= bytes
      if bytes > 0 { return bytes }
    }
    return 0
  }
}
