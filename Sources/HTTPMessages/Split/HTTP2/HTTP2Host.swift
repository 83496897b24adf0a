/// The connection to a host. We are its client.
final class HTTP2Host {
  let way: Way
  let out: HTTP2Outlet
  let reader = HTTP2FrameReader(
    collected: 1 << UInt32(HTTP2Frame.headers) | 1 << UInt32(HTTP2Frame.continuation)
      | 1 << UInt32(HTTP2Frame.reset) | 1 << UInt32(HTTP2Frame.settings) | 1 << UInt32(HTTP2Frame.pushPromise)
      | 1 << UInt32(HTTP2Frame.ping) | 1 << UInt32(HTTP2Frame.goAway) | 1 << UInt32(HTTP2Frame.windowUpdate))
  let decoder = HPACKDecoder()
  let block = HTTP2HeaderBlock()

  /// True once the host has acknowledged the connection: nothing is replayed from here on.
  var isOpen = false
  /// True once its SETTINGS have come.
  var hasGreeted = false
  /// True once it has sent GOAWAY, or is not needed any more: it gets no new streams.
  var isLeaving = false
  var isOver = false
  /// True if its refusal is its streams' answer.
  var refuses = false
  /// True once nothing more is sent to it.
  var isFinished = false
  /// Streams that it has.
  var streams = 0
  var mostStreams = Int.max
  /// The first window of its streams, and what its connection's window takes.
  var initialWindow = HTTP2Frame.firstWindow
  var window = HTTP2Frame.firstWindow
  /// True if a stream waits for the window of the connection.
  var isWaiting = false

  /// Bytes that it may send, and those of them that were passed on and not given back.
  var receiveWindow = HTTP2Host.connectionWindow
  var owed = 0
  /// The window that a host's connection gets.
  static let connectionWindow = 512 << 10

  /// The DATA frame that is under way.
  var data = HTTP2DataFrame()

  init(way: Way, driver: SplitDriver) {
    self.way = way
    out = HTTP2Outlet(driver: driver, side: .way(way))
  }

  /// Writes what a client sends first.
  func greet(streamWindow: Int) {
    let frames = out.frames
    let preface = HTTP2Frame.preface
    frames.append(UnsafeRawBufferPointer(start: preface.utf8Start, count: preface.utf8CodeUnitCount))
    frames.frame(HTTP2Frame.settings, stream: 0, length: 12)
    frames.setting(HTTP2Frame.Setting.enablePush, 0)
    frames.setting(HTTP2Frame.Setting.initialWindow, streamWindow)
    frames.frame(
      HTTP2Frame.windowUpdate, stream: 0, number: UInt32(Self.connectionWindow - HTTP2Frame.firstWindow))
  }

  /// Gives bytes back to its connection's window.
  func giveBack(_ count: Int) {
    guard !isOver else { return }
    owed += count
    guard owed >= Self.connectionWindow / 4 else { return }
    out.frames.frame(HTTP2Frame.windowUpdate, stream: 0, number: UInt32(owed))
    receiveWindow += owed
    owed = 0
  }
}

/// A DATA frame whose payload is taken apart: padding is not passed on.
struct HTTP2DataFrame {
  enum Destination {
    case pass, drop
    case stream(HTTP2Stream)
    case queue
  }
  var destination = Destination.pass
  var isLast = false
  /// Bytes of the payload that are no padding and are still to come; -1 until the padding's length has come.
  private var dataLeft = 0
  /// The bytes of the frame that are no DATA.
  private(set) var padding = 0
  private var length = 0

  mutating func begin(_ reader: HTTP2FrameReader, _ destination: Destination) {
    self.destination = destination
    isLast = reader.has(HTTP2Frame.Flag.endStream)
    length = reader.length
    padding = 0
    dataLeft = reader.has(HTTP2Frame.Flag.padded) ? -1 : length
  }

  /// True if the last byte of DATA has come.
  var isComplete: Bool { dataLeft == 0 }

  /// Takes the DATA off a piece of the payload.
  /// - Returns: nil if the padding is longer than the frame: it is never complete then.
  mutating func take(_ piece: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    var rest = piece
    if dataLeft < 0, let first = rest.first {
      padding = 1 + Int(first)
      guard padding <= length else {
        length = 0
        return nil
      }
      dataLeft = length - padding
      rest = rest.behind(1)
    }
    let data = rest.first(dataLeft)
    dataLeft -= data.count
    return data
  }
}
