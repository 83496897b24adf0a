#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
  import TunnelProtocol
#endif

/// A stream that brings the rules of a session for a port: their length in 4 bytes, and their text.
final class RulesEnd: ServedEnd {
  private var bytes: [UInt8] = []
  private let understood: (RuleSet) -> Void
  private static let headSize = 4

  /// - Parameter understood: called once, before the answer, if the text has rules.
  init(session: Session, slot: Int, understood: @escaping (RuleSet) -> Void) {
    self.understood = understood
    super.init(session: session, slot: slot)
  }

  override func received(_ bytes: UnsafeRawBufferPointer) {
    session.consume(self, bytes.count)
    guard !isServing, self.bytes.count < Self.headSize + RuleSet.mostText else { return }
    self.bytes.append(contentsOf: bytes)
    guard self.bytes.count >= Self.headSize else { return }
    let size = Int(self.bytes.withUnsafeBytes { $0.baseAddress!.loadBE32() })
    guard size <= RuleSet.mostText else { return answer(.failed) }
    guard self.bytes.count >= Self.headSize + size else { return }
    guard let rules = RuleSet(text: Array(self.bytes[Self.headSize..<Self.headSize + size])) else {
      return answer(.failed)
    }
    understood(rules)
    answer(.connected)
  }

  override func inputEnded() { if !isServing { answer(.failed) } }

  override func payload(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced { .finished }
}
