#if !hasFeature(Embedded)
  import Relay
#endif

/// A stream whose client has gone elsewhere between two messages: the host sees the client's end, and may still send
/// what nobody waits for.
final class FarewellEnd: StreamEnd {
  private var hasEnded = false

  override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    guard !hasEnded else { return .nothing }
    hasEnded = true
    return .finished
  }

  override func received(_ bytes: UnsafeRawBufferPointer) { session.consume(self, bytes.count) }
  override func finished() { session.release(self) }
  override func wasReset() { session.release(self) }
  override func abort() { session.release(self) }
}
