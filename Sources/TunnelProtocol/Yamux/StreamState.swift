/// The session's state of one stream.
struct StreamState {
  /// The window that either side has before any update (spec.md, "Flow Control").
  static let initialWindow = 256 << 10
  static let maximumWindow = 32 << 20

  let id: UInt32
  /// Bytes we may still send.
  var sendCredit = StreamState.initialWindow
  /// Bytes the peer may still send.
  var receiveCredit = StreamState.initialWindow
  /// The bytes that the peer may have in flight; grows.
  var window = StreamState.initialWindow
  /// Bytes handed on since the last window update.
  var consumed = 0
  /// The time of the last window update, µs.
  var updatedAt: UInt64

  /// The flag that our next frame must have: SYN for a stream we opened, ACK for one that the peer did.
  var greeting: FrameHeader.Flags
  var updateDue = false
  var finishDue = false
  var resetDue = false
  /// True in the session's queue of streams with a control frame to send.
  var queued = false

  /// True in the session's list of streams whose frame may wait a moment.
  var deferred = false

  var finishSent = false
  var finishReceived = false
  var resetReceived = false
  /// True if the relay is done with it; the slot is free once all due frames have been written.
  var released = false

  init(id: UInt32, greeting: FrameHeader.Flags, now: UInt64) {
    self.id = id
    self.greeting = greeting
    updatedAt = now
  }

  /// Consumed bytes at which the peer gets new credit: half the window, so that there are few updates; a quarter of a
  /// large one, since credit not yet given back keeps a long line from being full.
  var updateThreshold: Int { window <= 8 << 20 ? window / 2 : window / 4 }

  var controlDue: Bool { greeting != [] || updateDue || finishDue || resetDue }
}
