/// Splits the streams of an HTTP/2 connection between the origin and hosts.
///
/// Until the first request matches, both directions pass byte for byte, and the splitter only follows them: the
/// client's header blocks, the streams, the windows. From then on:
///
/// - The client's header blocks are encoded anew, without the dynamic table, for the origin or a host. The origin's
///   pass as they came: its encoder and the client's decoder keep their state. Those of hosts are encoded anew.
/// - Windows of streams are those of the two ends. The client's connection window is shared between the origin and the
///   hosts: what the client gives back is split by what they have used of it. The origin's window passes to the client,
///   and DATA for hosts is given back to it.
/// - DATA that a window does not take waits; other frames pass it where they may.
public final class HTTP2Splitter {
  enum Phase { case passing, splitting, opaque, over }

  unowned(unsafe) let driver: SplitDriver
  var phase = Phase.passing
  let toClient: HTTP2Outlet
  let toOrigin: HTTP2Outlet

  /// The client's direction.
  let client = HTTP2FrameReader(collected: 0x3fe)
  private var prefaceCount = 0
  let decoder = HPACKDecoder()
  let block = HTTP2HeaderBlock()
  let list = HeaderList()
  var head = RequestHead()
  var data = HTTP2DataFrame()
  var streams = HTTP2Streams<HTTP2Stream>()
  var numbers = HTTP2Numbers()
  /// The highest stream that the client has opened.
  public internal(set) var newest: UInt32 = 0
  /// The changes of the table's size that the origin's decoder has not met; -1 without.
  var leastSize = -1
  var lastSize = -1
  let scratch = RawBytes()

  /// The origin's direction.
  let origin = HTTP2FrameReader(
    collected: 1 << UInt32(HTTP2Frame.settings) | 1 << UInt32(HTTP2Frame.goAway))
  var originData = HTTP2DataFrame()
  /// Frames of the origin that wait for the client's window, and the bytes of those that are whole.
  let waiting = RawBytes()
  var waitingWhole = 0
  var isOriginInBlock = false
  var hasOriginGreeted = false
  /// The last stream that the origin takes, by its GOAWAY.
  var originLast = HTTP2Frame.lastStream
  var originInitialWindow = HTTP2Frame.firstWindow
  /// SETTINGS that the client has not acknowledged, in order: true for ours.
  var unacknowledged: [Bool] = []
  /// True once the client has got smaller windows for its streams than the origin gives.
  var isNarrowed = false
  /// DATA that a new stream of the origin takes, whether the client knows its last SETTINGS or not.
  var replayWindow = HTTP2Frame.firstWindow

  /// The bytes that the client takes on its connection, and those that the origin and the hosts have used and not got
  /// back.
  var clientWindow = HTTP2Frame.firstWindow
  var usedByOrigin = 0
  var usedByHosts = 0
  var settings = HTTP2ClientSettings()
  /// Bytes that the client's window towards us gets back at the end of the call.
  var owedToClient = 0

  var hosts: [HTTP2Host] = []
  /// Bytes of uploads that wait.
  var queuedUp = 0
  /// Bytes of requests' header blocks that are kept for a replay.
  var keptHeads = 0
  static let mostKeptHeads = 1 << 20
  /// True if DATA for the client may wait for its connection's window.
  var isDownWaiting = false
  var turn = 0

  var hasClientEnded = false
  var hasOriginEnded = false
  private var announcements = 0
  // In HTTP2Splitter+Copies.swift.
  var copies: [HTTP2Copy] = []
  /// The client's DATA frame, as copies see it.
  var copiedData = HTTP2DataFrame()

  static let mostStreams = 4096
  /// The memory of a stream's objects, about, and of its exchange with a host.
  private static let streamSize = 96
  private static let exchangeSize = 1024
  static let mostHosts = 32
  /// A stream is reset that makes the uploads that wait more than this; more while the client may not know yet that
  /// its windows are smaller.
  static let uploadBudget = 1 << 20
  static let firstUploadBudget = 8 << 20
  /// The largest window of the client's streams, so that a host that takes nothing does not exceed the budget.
  static let uploadWindow = 128 << 10
  static let mostUnacknowledged = 256
  static let hostQueue = 256 << 10
  static let sideQueue = 256 << 10
  static let hugeQueue = 2 << 20

  public init(driver: SplitDriver) {
    self.driver = driver
    toClient = HTTP2Outlet(driver: driver, side: .client)
    toOrigin = HTTP2Outlet(driver: driver, side: .way(0))
    client.maximum = HTTP2Frame.size
    origin.maximum = 65536
    // The first frame that a client may get is the SETTINGS of its server (RFC 9113, section 3.4).
    toClient.within(true)
  }

  deinit { forgetStreams() }

  // MARK: For the driver

  /// Takes bytes of a side; those of the client from the preface on.
  public func received(_ bytes: UnsafeRawBufferPointer, from side: SplitSide) {
    guard phase != .over, bytes.count > 0 else { return }
    switch side {
    case .client:
      toOrigin.input = bytes
      fromClient(bytes)
    case .way(0):
      toClient.input = bytes
      fromOrigin(bytes)
    case .way(let way):
      if let host = host(at: way) { fromHost(host, bytes) }
    }
    finishTurn()
  }

  /// Notes that a side sends nothing more.
  public func ended(_ side: SplitSide) {
    guard phase != .over else { return }
    switch side {
    case .client:
      hasClientEnded = true
      driver.finishSending(to: .way(0))
    case .way(0): originEnded()
    case .way(let way): if let host = host(at: way) { lose(host) }
    }
    finishTurn()
  }

  /// Notes that a way could not be opened, or was reset.
  /// - Parameter isRefused: true if its streams are reset, where others would go to the origin.
  public func failed(_ way: Way, isRefused: Bool = false) {
    guard phase != .over else { return }
    if way == 0 {
      end(reset: true)
    } else if let host = host(at: way) {
      host.refuses = isRefused
      lose(host)
      finishTurn()
    }
  }

  /// Notes that a host has acknowledged the connection.
  public func opened(_ way: Way) {
    guard phase != .over, let host = host(at: way), !host.isOpen else { return }
    hostOpened(host)
    finishTurn()
  }

  /// Closes a way once its streams have ended, since it gets no more of them.
  public func retire(_ way: Way) {
    guard phase != .over, let host = host(at: way) else { return }
    host.isLeaving = true
    finishTurn()
  }

  /// Returns whether a side's bytes should be read now. It also sends what waited for a queue of the driver.
  public func mayRead(from side: SplitSide) -> Bool {
    guard phase != .over else { return false }
    switch side {
    case .client:
      if !hosts.isEmpty {
        pumpWaitingHosts()
        finishTurn()
      }
      return driver.queued(for: .way(0)) < Self.sideQueue && driver.queued(for: .client) < Self.hugeQueue
        && toClient.heldBytes < Self.sideQueue
    case .way(let way):
      guard driver.queued(for: .client) < Self.sideQueue else { return false }
      return way == 0 ? waiting.count < Self.uploadBudget : toClient.heldBytes < Self.sideQueue
    }
  }

  /// The bytes that the splitter keeps.
  public var heldBytes: Int {
    var count = queuedUp + keptHeads + waiting.count + block.size + toClient.heldBytes
    count += client.rest.count + origin.rest.count + streams.count * Self.streamSize
    for host in hosts { count += host.block.size + host.reader.rest.count + host.streams * Self.exchangeSize }
    for copy in copies { count += copy.size }
    if !hosts.isEmpty { for stream in streams.all { count += stream.exchange?.down.queue.count ?? 0 } }
    return count
  }

  /// Asks the client to connect anew for its next requests; those that still come here go where their rules say. The
  /// first call's GOAWAY names no stream. A second call, about a second later, names the last one that came, and the
  /// connection ends with the streams that are open.
  public func leave() {
    guard phase == .passing || phase == .splitting else { return }
    announcements += 1
    guard hasOriginGreeted, originLast == HTTP2Frame.lastStream, !hasOriginEnded else { return }
    if announcements <= 2 {
      toClient.frames.goAway(announcements == 1 ? HTTP2Frame.lastStream : newest, HTTP2Frame.Code.none)
    }
    finishTurn()
  }

  // MARK: The end of a call, and of the connection

  /// Sends what the call has written.
  func finishTurn() {
    guard phase != .over else { return }
    pumpWaitingHosts()
    pumpDown()
    if owedToClient > 0 {
      toClient.frames.frame(HTTP2Frame.windowUpdate, stream: 0, number: UInt32(clamping: owedToClient))
      owedToClient = 0
    }
    var slow: HTTP2Host?
    for host in hosts {
      host.out.flush()
      if driver.queued(for: .way(host.way)) > Self.hugeQueue { slow = host }
      if hasClientEnded, !host.isFinished, queuedUp == 0 {
        host.isFinished = true
        driver.finishSending(to: .way(host.way))
      }
    }
    if let slow { lose(slow) }
    for host in hosts where host.isLeaving && host.streams == 0 { close(host) }
    toOrigin.flush()
    toClient.flush()
    flushCopies()
    let isIdle = streams.count == 0 && waiting.isEmpty
    if announcements > 1, isIdle, phase != .opaque {
      end(reset: false)
    } else if hasOriginEnded, hasClientEnded || phase == .splitting && waiting.isEmpty, !hasExchanges {
      end(reset: false)
    }
  }

  func host(at way: Way) -> HTTP2Host? {
    for host in hosts where host.way == way { return host }
    return nil
  }

  var hasExchanges: Bool {
    for stream in streams.all where stream.exchange != nil { return true }
    return false
  }

  private func forgetStreams() {
    for stream in streams.all { stream.exchange = nil }
    streams.removeAll()
  }

  func end(reset: Bool) {
    guard phase != .over else { return }
    toOrigin.flush()
    toClient.flush()
    flushCopies()
    for copy in copies { copy.forget() }
    copies = []
    phase = .over
    forgetStreams()
    for host in hosts { host.isOver = true }
    hosts = []
    driver.end(reset: reset)
  }

  /// Notes an error of the client's connection. While nothing was split, the origin answers it: all bytes pass
  /// from here on.
  /// - Parameter frame: the frame that is wrong, unless it was collected.
  func fail(_ code: UInt32, _ frame: UnsafeRawBufferPointer) {
    if phase == .splitting {
      if !toClient.isWithin { toClient.frames.goAway(newest, code) }
      return end(reset: false)
    }
    becomeOpaque()
    toOrigin.pass(frame)
  }

  func becomeOpaque() {
    guard phase == .passing else { return }
    phase = .opaque
    dropCopies()
    toOrigin.pass(block.frames.all)
    toOrigin.pass(client.rest)
    toClient.pass(origin.rest)
    block.clear()
    streams.removeAll()
  }

  static var noBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  // MARK: Preface

  private func fromClient(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    let preface = HTTP2Frame.preface
    if prefaceCount < preface.utf8CodeUnitCount, phase == .passing {
      while prefaceCount < preface.utf8CodeUnitCount, let byte = rest.first {
        guard byte == preface.utf8Start[prefaceCount] else {
          becomeOpaque()
          break
        }
        prefaceCount += 1
        rest = rest.behind(1)
      }
      toOrigin.pass(bytes.first(bytes.count - rest.count))
    }
    while rest.count > 0, phase != .over {
      if phase == .opaque { return toOrigin.pass(rest) }
      switch client.next(&rest) {
      case .more: break
      case .frame(let frame): clientFrame(frame)
      case .header(let header): clientHeader(header)
      case .piece(let piece): clientPiece(piece)
      case .tooLong: fail(HTTP2Frame.Code.frameSize, Self.noBytes)
      }
    }
  }
}
