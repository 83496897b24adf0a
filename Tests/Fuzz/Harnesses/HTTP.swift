@testable import KubeAPI

extension Harness {
  static let httpResponse = Harness(
    name: "http-response", usualLength: 256,
    dictionary: [
      "HTTP/1.1 ", "101 Switching Protocols", "200 OK", "204", "304", "100 Continue", "\r\n", "\r\n\r\n",
      "Content-Length: ", "Transfer-Encoding: chunked",
      "0\r\n\r\n", "ffffffffffffffff\r\n", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: ",
    ]
  ) { bytes in
    var whole = ResponseReader()
    _ = whole.read(bytes)
    _ = whole.body
    var split = ResponseReader()
    var last = ResponseReader.Progress.needsMore
    try inPieces(bytes) { piece throws in
      last = split.read(piece)
      try promise(
        split.rest.count <= ResponseReader.bodyLimit + ResponseReader.headLimit + 4096, "the body has no limit")
      return last == .needsMore
    }
    _ = split.body
    if last == .complete { try promise(whole.head?.status == split.head?.status, "in pieces the status is another") }
    if let head = whole.head,
      let upgrade = try? UpgradeRequest(target: "/", authority: "a", headers: [], subprotocols: ["v4"], key: [1])
    {
      _ = try? upgrade.verify(head, server: "s")
    }
  }

  static let watch = Harness(
    name: "watch",
    dictionary: [
      "{\"type\":\"ADDED\",\"object\":{", "\"metadata\":{\"resourceVersion\":\"1\"}", "BOOKMARK", "ERROR",
      "\"code\":410", "}}\n",
    ]
  ) { bytes in
    var whole = WatchLines()
    // Behind a mistake nothing is read, but in pieces the lines before it have been handed on.
    guard let events = try? whole.read(bytes, server: "s") else { return }
    var split = WatchLines()
    var collected: [WatchLines.Line] = []
    try inPieces(bytes) {
      collected += try split.read(Array($0), server: "s")
      return true
    }
    try promise(events == collected, "in pieces the events are others")
  }
}
