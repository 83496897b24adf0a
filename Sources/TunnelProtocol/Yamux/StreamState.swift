/// What the session knows of one stream.
struct StreamState {
  /// The window that either side has before any update (spec.md, "Flow Control").
  static let initialWindow = 256 << 10
  static let maximumWindow = 32 << 20

  let id: UInt32
  /// Bytes we may still send.
  var sendCredit = StreamState.initialWindow
  /// Bytes the peer may still send.
  var receiveCredit = StreamState.initialWindow
  /// How much we let the peer have under way; grows.
  var window = StreamState.initialWindow
  /// Bytes handed on since the last window update.
  var consumed = 0
  /// When the last window update was written, µs.
  var updatedAt: UInt64

  /// The flag that our next frame must bear: SYN for a stream we opened, ACK for one that the peer did.
  var greeting: FrameHeader.Flags
  var updateDue = false
  var finishDue = false
  var resetDue = false
  /// In the session's queue of streams that have a control frame to send.
  var queued = false

  /// In the session's list of streams whose frame may wait a moment.
  var deferred = false

  var finishSent = false
  var finishReceived = false
  var resetReceived = false
  /// The relay is done with it; the slot is free once what is due has been written.
  var released = false

  init(id: UInt32, greeting: FrameHeader.Flags, now: UInt64) {
    self.id = id
    self.greeting = greeting
    updatedAt = now
  }

  /// Consumed bytes at which the peer is given new credit: half the window, so that there are few updates; a quarter of
  /// a large one, since what has not been given back yet keeps a long line from being full.
  var updateThreshold: Int { window <= 8 << 20 ? window / 2 : window / 4 }

  var controlDue: Bool { greeting != [] || updateDue || finishDue || resetDue }
}
