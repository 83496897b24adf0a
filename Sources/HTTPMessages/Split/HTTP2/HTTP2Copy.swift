/// Copies of some requests of a client, sent to a host by a connection of its own. We are the host's client: its
/// answers are dropped, and it always gets credit for them. A copy that waits for the host's windows is kept while
/// there is room; else it is reset, and the others go on.
final class HTTP2Copy {
  let way: Way
  private(set) var isOver = false
  private unowned(unsafe) let driver: SplitDriver
  private let out = RawBytes()
  private let reader = HTTP2FrameReader(
    collected: 1 << UInt32(HTTP2Frame.reset) | 1 << UInt32(HTTP2Frame.settings) | 1 << UInt32(HTTP2Frame.ping)
      | 1 << UInt32(HTTP2Frame.goAway) | 1 << UInt32(HTTP2Frame.windowUpdate))

  private final class Stream: HTTP2Numbered {
    let id: UInt32
    var window: Int
    /// DATA that waits for a window.
    let queue = RawBytes()
    var trailers: RawBytes?
    var isEnding = false
    var hasEnded = false
    var hostHasEnded = false
    /// Bytes of the answer that are not given back.
    var owed = 0

    init(id: UInt32, window: Int) {
      self.id = id
      self.window = window
    }
  }
  private var streams = HTTP2Streams<Stream>()
  private var window = HTTP2Frame.firstWindow
  private var initialWindow = HTTP2Frame.firstWindow
  private var mostStreams = HTTP2Copy.streamLimit
  /// The table size with which the next header block has to begin; -1 without.
  private var owedTable = -1
  private var owed = 0
  /// Bytes of DATA that wait.
  private(set) var held = 0

  private static let streamLimit = 1024
  static let holdLimit = 256 << 10
  /// Bytes of answers after which they are given back.
  private static let creditStep = 1 << 20

  init(way: Way, driver: SplitDriver) {
    self.way = way
    self.driver = driver
    let preface = HTTP2Frame.preface
    out.append(UnsafeRawBufferPointer(start: preface.utf8Start, count: preface.utf8CodeUnitCount))
    out.frame(HTTP2Frame.settings, stream: 0, length: 12)
    out.setting(HTTP2Frame.Setting.enablePush, 0)
    out.setting(HTTP2Frame.Setting.initialWindow, HTTP2Frame.largestWindow)
    out.frame(
      HTTP2Frame.windowUpdate, stream: 0, number: UInt32(HTTP2Frame.largestWindow - HTTP2Frame.firstWindow))
  }

  /// The bytes that it keeps.
  var size: Int { held + out.count + streams.count * 128 }

  // MARK: The client's requests

  /// Begins the copy of a request, whose number is above those of all before.
  func request(_ id: UInt32, _ list: HeaderList, isLast: Bool) {
    // A few bytes of HPACK may mean many: they are counted before the block is written anew.
    guard !isOver, streams.count < mostStreams, out.count + list.bytes.count <= Self.holdLimit else {
      return driver.copyIsLost(of: way)
    }
    let stream = Stream(id: id, window: initialWindow)
    streams.add(stream)
    let block = RawBytes()
    HPACKEncoder.encode(list, into: block)
    out.headerBlock(
      block.all, flags: isLast ? HTTP2Frame.Flag.endStream : 0, stream: id, owedTable: &owedTable)
    stream.isEnding = isLast
    stream.hasEnded = isLast
  }

  func data(_ id: UInt32, _ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty, let stream = streams.find(id), !stream.isEnding else { return }
    var rest = bytes
    if stream.queue.isEmpty { rest = rest.behind(send(rest, of: stream)) }
    guard !rest.isEmpty else { return }
    guard held + rest.count <= Self.holdLimit, driver.holdCopies(rest.count) else { return lose(stream) }
    held += rest.count
    stream.queue.append(rest)
  }

  func trailers(_ id: UInt32, _ list: HeaderList) {
    guard let stream = streams.find(id), !stream.isEnding else { return }
    let block = RawBytes()
    HPACKEncoder.encode(list, into: block)
    // They may have to wait, and are not counted then.
    guard block.count <= (stream.queue.isEmpty ? HTTP2Frame.size : 1024), out.count <= Self.holdLimit else {
      return lose(stream)
    }
    stream.trailers = block
    end(id)
  }

  /// Notes END_STREAM.
  func end(_ id: UInt32) {
    guard let stream = streams.find(id), !stream.isEnding else { return }
    stream.isEnding = true
    finish(stream)
  }

  /// Notes that the client sends no more of a request, whose end has not come.
  func reset(_ id: UInt32) {
    guard let stream = streams.find(id), !stream.isEnding else { return }
    out.frame(HTTP2Frame.reset, stream: id, number: HTTP2Frame.Code.cancel)
    remove(stream)
  }

  /// Gives up a request whose rest the host cannot have.
  func lose(_ id: UInt32) { if let stream = streams.find(id), !stream.isEnding { lose(stream) } }

  /// Sends what the call has written. False if the host gets nothing more.
  func flush() -> Bool {
    if !isOver, !out.isEmpty, !driver.copy(out.all, to: way) { isOver = true }
    out.clear()
    if isOver { forget() }
    return !isOver
  }

  func forget() {
    isOver = true
    _ = driver.holdCopies(-held)
    held = 0
    streams.removeAll()
  }

  // MARK: DATA

  /// Writes as much as the windows take. Returns the number of bytes.
  private func send(_ bytes: UnsafeRawBufferPointer, of stream: Stream) -> Int {
    var sent = 0
    while sent < bytes.count {
      let count = min(min(bytes.count - sent, HTTP2Frame.size), min(window, stream.window))
      guard count > 0 else { break }
      out.frame(HTTP2Frame.data, stream: stream.id, length: count)
      out.append(bytes.behind(sent).first(count))
      window -= count
      stream.window -= count
      sent += count
    }
    return sent
  }

  private func pump(_ stream: Stream) {
    let sent = send(stream.queue.all, of: stream)
    stream.queue.drop(sent)
    release(sent)
    finish(stream)
  }

  private func pumpAll() { for stream in streams.all where !stream.queue.isEmpty { pump(stream) } }

  private func release(_ count: Int) {
    guard count > 0 else { return }
    held -= count
    _ = driver.holdCopies(-count)
  }

  private func finish(_ stream: Stream) {
    guard stream.isEnding, !stream.hasEnded, stream.queue.isEmpty else { return }
    stream.hasEnded = true
    if let trailers = stream.trailers {
      out.headerBlock(
        trailers.all, flags: HTTP2Frame.Flag.endStream, stream: stream.id, owedTable: &owedTable)
      stream.trailers = nil
    } else {
      out.frame(HTTP2Frame.data, flags: HTTP2Frame.Flag.endStream, stream: stream.id, length: 0)
    }
    if stream.hostHasEnded { remove(stream) }
  }

  private func lose(_ stream: Stream) {
    driver.copyIsLost(of: way)
    out.frame(HTTP2Frame.reset, stream: stream.id, number: HTTP2Frame.Code.cancel)
    remove(stream)
  }

  private func remove(_ stream: Stream) {
    release(stream.queue.count)
    stream.isEnding = true
    streams.remove(stream.id)
  }

  // MARK: The host's frames

  /// Takes bytes of the host. It is over if they break the protocol, or if the host leaves.
  func received(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while !rest.isEmpty, !isOver {
      switch reader.next(&rest) {
      case .more, .piece: break
      case .frame(let frame): take(frame.behind(HTTP2Frame.headerSize))
      case .header: takeHeader()
      case .tooLong: leave(reset: true)
      }
    }
  }

  private func takeHeader() {
    let isData = reader.kind == HTTP2Frame.data
    if isData {
      owed += reader.length
      if owed >= Self.creditStep {
        out.frame(HTTP2Frame.windowUpdate, stream: 0, number: UInt32(clamping: owed))
        owed = 0
      }
    }
    guard isData || reader.kind == HTTP2Frame.headers, let stream = streams.find(reader.stream) else { return }
    if reader.has(HTTP2Frame.Flag.endStream) {
      stream.hostHasEnded = true
      if stream.hasEnded { remove(stream) }
    } else if isData {
      stream.owed += reader.length
      guard stream.owed >= Self.creditStep else { return }
      out.frame(HTTP2Frame.windowUpdate, stream: stream.id, number: UInt32(clamping: stream.owed))
      stream.owed = 0
    }
  }

  private func take(_ payload: UnsafeRawBufferPointer) {
    switch reader.kind {
    case HTTP2Frame.settings: if !reader.has(HTTP2Frame.Flag.ack) { takeSettings(payload) }
    case HTTP2Frame.ping: if payload.count == 8, !reader.has(HTTP2Frame.Flag.ack) { out.pingAnswer(payload) }
    case HTTP2Frame.reset: if let stream = streams.find(reader.stream) { remove(stream) }
    case HTTP2Frame.windowUpdate:
      guard payload.count == 4 else { return leave(reset: true) }
      let count = Int(payload.number32(0) & HTTP2Frame.lastStream)
      if reader.stream == 0 {
        window = min(window + count, HTTP2Frame.largestWindow)
        pumpAll()
      } else if let stream = streams.find(reader.stream) {
        stream.window = min(stream.window + count, HTTP2Frame.largestWindow)
        pump(stream)
      }
    default: leave(reset: false)
    }
  }

  private func takeSettings(_ payload: UnsafeRawBufferPointer) {
    var first = initialWindow
    HTTP2ClientSettings.each(payload) { identifier, value in
      switch identifier {
      case HTTP2Frame.Setting.initialWindow: first = min(value, HTTP2Frame.largestWindow)
      case HTTP2Frame.Setting.maximumStreams: mostStreams = min(value, Self.streamLimit)
      case HTTP2Frame.Setting.headerTableSize: if value < 4096 { owedTable = 0 }
      default: break
      }
    }
    for stream in streams.all { stream.window += first - initialWindow }
    initialWindow = first
    out.frame(HTTP2Frame.settings, flags: HTTP2Frame.Flag.ack, stream: 0, length: 0)
    pumpAll()
  }

  private func leave(reset: Bool) {
    guard !isOver else { return }
    forget()
    out.clear()
    driver.closeCopy(way, reset: reset)
  }
}
