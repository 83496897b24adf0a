/// A stream that the client has opened.
final class HTTP2Stream: HTTP2Numbered {
  let id: UInt32
  /// Its number at the origin: another one only if a later stream came there first.
  var originID: UInt32
  /// True once the client, or the server that it goes to, has sent END_STREAM.
  var clientHasEnded = false
  var serverHasEnded = false
  /// Its exchange with a host; nil if it goes to the origin.
  var exchange: HTTP2Exchange?
  /// True once it is forgotten.
  var isOver = false

  init(id: UInt32) {
    self.id = id
    originID = id
  }
}

/// A stream between the client and a host.
final class HTTP2Exchange {
  let host: HTTP2Host
  /// The client's DATA and the host's.
  let up: HTTP2Half
  let down: HTTP2Half
  /// The request's header block, until an answer comes: a host that fails before may be replaced by the origin.
  let head = RawBytes()
  /// True once the final head of the answer has come.
  var hasHead = false
  /// True once the host has answered anything.
  var isAnswered = false
  /// True once DATA was passed on that is not kept: the request cannot be replayed then.
  var isStarted = false
  /// Bytes that the client's windows have to get back: its connection's before the host is open, its stream's.
  var owedToConnection = 0
  var owedToStream = 0
  /// The sum of the client's WINDOW_UPDATE frames of this stream.
  var granted = 0

  init(host: HTTP2Host, upWindow: Int, downWindow: Int) {
    self.host = host
    up = HTTP2Half(window: upWindow)
    down = HTTP2Half(window: downWindow)
  }
}

/// One direction of an exchange: DATA that waits for a window, and its end.
final class HTTP2Half {
  let queue = RawBytes()
  /// Bytes at the queue's front that were sent, and are kept.
  var sent = 0
  /// Bytes that the receiver's window of the stream takes.
  var window: Int
  /// True once END_STREAM has come, and once it was passed on.
  var isEnding = false
  var hasEnded = false
  /// A header block that waits behind the DATA.
  var trailers: RawBytes?
  /// The code of a RST_STREAM that waits behind the DATA.
  var reset: UInt32?

  init(window: Int) { self.window = window }

  var unsent: Int { queue.count - sent }
  var isWaiting: Bool { unsent > 0 || isEnding && !hasEnded || reset != nil }

  /// Sends as much as the windows take.
  /// - Returns: the bytes of DATA that were sent.
  func pump(to out: HTTP2Outlet, stream: UInt32, connection: Int, most: Int, keeps: Bool) -> Int {
    var total = 0
    while unsent > 0 {
      let count = min(min(unsent, HTTP2Frame.size), min(window, min(connection, most) - total))
      guard count > 0 else { return total }
      hasEnded = count == unsent && isEnding && trailers == nil
      out.data(
        queue.part(sent, count), flags: hasEnded ? HTTP2Frame.Flag.endStream : 0, stream: stream)
      if keeps { sent += count } else { queue.drop(count) }
      window -= count
      total += count
    }
    guard isEnding, !hasEnded else { return total }
    hasEnded = true
    if let trailers {
      out.block(trailers.all, flags: HTTP2Frame.Flag.endStream, stream: stream)
    } else {
      out.data(queue.part(0, 0), flags: HTTP2Frame.Flag.endStream, stream: stream)
    }
    return total
  }
}

/// A stream of a connection that has a number there.
protocol HTTP2Numbered: AnyObject {
  var id: UInt32 { get }
}

/// The streams that are open, by their numbers.
struct HTTP2Streams<Stream: HTTP2Numbered> {
  /// In the order of their numbers.
  private(set) var all: [Stream] = []

  var count: Int { all.count }

  func find(_ id: UInt32) -> Stream? {
    let place = place(id)
    return place < all.count && all[place].id == id ? all[place] : nil
  }

  /// Adds a stream with a number above all others.
  mutating func add(_ stream: Stream) { all.append(stream) }

  mutating func remove(_ id: UInt32) {
    let place = place(id)
    if place < all.count, all[place].id == id { all.remove(at: place) }
  }

  mutating func removeAll() { all = [] }

  private func place(_ id: UInt32) -> Int {
    var (low, high) = (0, all.count)
    while low < high {
      let middle = (low + high) / 2
      if all[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
