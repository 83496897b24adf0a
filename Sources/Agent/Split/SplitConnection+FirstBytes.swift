#if !hasFeature(Embedded)
  import HTTPMessages
#endif

// The choice of an engine by the first bytes of a connection.

extension SplitConnection {
  func decide(_ bytes: UnsafeRawBufferPointer) {
    if first.isEmpty ? bytes[0] == 22 : first[0] == 22 {
      first.append(contentsOf: bytes)
      return decideByHello()
    }
    let preface = HTTP2Frame.preface
    if first.isEmpty, bytes[0] != preface.utf8Start[0] {
      begin(.http1(HTTP1Splitter(driver: self)), with: [])
      return received(bytes, from: .client)
    }
    first.append(contentsOf: bytes)
    let count = min(first.count, preface.utf8CodeUnitCount)
    var isPreface = true
    for index in 0..<count where first[index] != preface.utf8Start[index] { isPreface = false }
    if isPreface, count < preface.utf8CodeUnitCount { return }
    begin(isPreface ? .http2(HTTP2Splitter(driver: self)) : .http1(HTTP1Splitter(driver: self)), with: first)
  }

  /// Decides about a connection that may have TLS by its ClientHello.
  private func decideByHello() {
    var way: Way = 0
    switch ClientHello(first) {
    case .more: return
    case .nameless: break
    case .name(let name):
      var head = RequestHead()
      name.withUnsafeBytes { head.setServerName($0) }
      way = listener.route(head)
    }
    begin(.http1(HTTP1Splitter(driver: self, isStream: true, way: way)), with: first)
  }

  /// A protocol whose server speaks first, or that has come to an end.
  var stream: Engine { .http1(HTTP1Splitter(driver: self, isStream: true)) }

  /// Checks whether a server's first bytes are SETTINGS, the first frame of HTTP/2 (RFC 9113, section 3.4).
  static func isSettings(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count >= 9, bytes[0] == 0, bytes[3] == 4, bytes[4] == 0 else { return false }
    return bytes[5] == 0 && bytes[6] == 0 && bytes[7] == 0 && bytes[8] == 0
  }

  /// - Parameter bytes: those of the client so far.
  func begin(_ engine: Engine, with bytes: [UInt8]) {
    self.engine = engine
    first = []
    if case .http2 = engine { look(isHTTP2: true, isBetween: true) }
    if hasZeroFailed { engineFailed(0) }
    bytes.withUnsafeBytes { if !$0.isEmpty { received($0, from: .client) } }
    if listener.isLeaving { leave() }
  }
}
