import HTTPMessages

@testable import Agent

/// Bytes of two sides in turn, the client's first: 0xff ends a turn.
private func turns(_ bytes: [UInt8], _ body: (_ isClient: Bool, UnsafeRawBufferPointer) -> Void) {
  for (index, turn) in bytes.split(separator: 0xff, omittingEmptySubsequences: false).enumerated() {
    Array(turn).withUnsafeBytes { body(index.isMultiple(of: 2), $0) }
  }
}

/// The same, byte for byte.
private func singly(_ bytes: [UInt8], _ body: (_ isClient: Bool, UnsafeRawBufferPointer) -> Void) {
  turns(bytes) { isClient, turn in
    for index in turn.indices { body(isClient, UnsafeRawBufferPointer(rebasing: turn[index...index])) }
  }
}

extension Harness {
  static let http1Framing = Harness(
    name: "http1-framing",
    dictionary: [
      "GET / HTTP/1.1\r\n", "HEAD / ", "CONNECT ", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 204 ", "HTTP/1.1 101 ", "\r\n\r\n",
      "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n",
    ]
  ) { bytes in
    var whole = HTTP1Connection()
    turns(bytes) { if $0 { whole.fromClient($1) } else { whole.fromServer($1) } }
    var parts = HTTP1Connection()
    singly(bytes) { if $0 { parts.fromClient($1) } else { parts.fromServer($1) } }
    try promise(whole.isFollowed == parts.isFollowed && whole.isIdle == parts.isIdle, "pieces mean something else")
    try promise(whole.isFollowed || !whole.isIdle, "an unknown protocol is idle")
  }

  static let http2Framing = Harness(name: "http2-framing") { bytes in
    func server(_ connection: inout HTTP2Connection, _ bytes: UnsafeRawBufferPointer) {
      var rest = bytes
      while !rest.isEmpty { connection.fromServer(&rest) }
    }
    var whole = HTTP2Connection()
    turns(bytes) { if $0 { whole.fromClient($1) } else { server(&whole, $1) } }
    var parts = HTTP2Connection()
    singly(bytes) { if $0 { parts.fromClient($1) } else { server(&parts, $1) } }
    try promise(
      whole.lastStream == parts.lastStream && whole.isQuiet == parts.isQuiet && whole.isEnding == parts.isEnding
        && whole.mayInsert == parts.mayInsert, "pieces mean something else")
    try promise(whole.lastStream <= 0x7fff_ffff, "a stream with the reserved bit")
  }
}
