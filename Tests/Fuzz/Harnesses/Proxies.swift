@testable import Outbound

extension Harness {
  static let socks = Harness(name: "socks", maximumLength: 1024) { bytes in
    guard let first = bytes.first, first == 4 || first == 5 else { return }
    try steps(bytes) {
      var socks = SOCKS()
      return { socks.step($0) }
    }
  }

  static let httpProxy = Harness(
    name: "http-proxy",
    dictionary: [
      "CONNECT ", "GET ", "http://", " HTTP/1.1", "\r\n", "\r\n\r\n", "Host: ", "Connection: ",
      "Transfer-Encoding: chunked", "[::1]", ":443", "@",
    ]
  ) { bytes in
    try steps(bytes) {
      var head = HTTPRequestHead()
      return { head.step($0) }
    }
  }

  /// A client's bytes, all at once and a piece at a time, lead to the same place.
  private static func steps(_ input: [UInt8], _ parser: () -> ([UInt8]) -> ProxyStep) throws {
    // `ProxyClient` refuses a longer head.
    let bytes = Array(input.prefix(32 << 10))
    var inbox: [UInt8] = []
    let whole = Client(parser())
    try whole.take(bytes, &inbox)
    inbox = []
    let split = Client(parser())
    try inPieces(bytes) {
      try split.take(Array($0), &inbox)
      return !split.isOver
    }
    try promise(whole.outcome == split.outcome, "all at once it is \(whole.outcome), in pieces \(split.outcome)")
  }

  /// `ProxyClient` without its sockets.
  private final class Client {
    /// Each step's kind, and its bytes.
    private(set) var outcome: [[UInt8]] = []
    private(set) var isOver = false
    private let step: ([UInt8]) -> ProxyStep

    init(_ step: @escaping ([UInt8]) -> ProxyStep) { self.step = step }

    func take(_ bytes: [UInt8], _ inbox: inout [UInt8]) throws {
      inbox += bytes
      while !isOver, !inbox.isEmpty {
        switch step(inbox) {
        case .more: return
        case .answer(let bytes, let taken):
          try promise(taken > 0 && taken <= inbox.count, "\(taken) of \(inbox.count) bytes are taken")
          outcome.append([0] + bytes)
          inbox.removeFirst(taken)
        case .request(let request):
          try promise(!request.host.isEmpty && request.port > 0, "a request that leads nowhere")
          outcome += [[1] + request.host.utf8, [UInt8(request.port >> 8), UInt8(request.port & 0xff)]]
          outcome.append(request.reply(.refused))
          isOver = true
        case .reject(let bytes):
          outcome.append([2] + bytes)
          isOver = true
        }
      }
    }
  }
}
