@testable import KubeStreams

/// A framing's output for the messages, with payload and error texts joined.
struct Unframed: Equatable {
  var payload: [UInt8] = []
  var errors: [UInt8] = []
  var answers: [[UInt8]] = []
  var ended = 0

  /// Feeds each message in pieces of `size` bytes, each in memory of its own.
  init(_ framing: some PortForwardFraming, messages: [[UInt8]] = [], piecesOf size: Int) {
    var framing = framing
    for message in messages {
      framing.messageBegan()
      for start in stride(from: 0, to: message.count, by: size) {
        Array(message[start..<min(start + size, message.count)]).withUnsafeBytes { bytes in
          var rest = bytes
          while let event = framing.next(&rest) {
            switch event {
            case .payload(let piece): payload += piece
            case .error(let text): errors += Array(text.utf8)
            case .answer(let answer): answers.append(answer)
            case .ended: ended += 1
            }
          }
        }
      }
    }
  }

  init(payload: [UInt8] = [], errors: [UInt8] = [], answers: [[UInt8]] = [], ended: Int = 0) {
    self.payload = payload
    self.errors = errors
    self.answers = answers
    self.ended = ended
  }
}

/// The bytes that a framing writes before a payload.
func prefix(_ framing: some PortForwardFraming, count: Int) -> [UInt8] {
  var framing = framing
  var memory = [UInt8](repeating: 0xee, count: framing.prefixSize + 1)
  memory.withUnsafeMutableBytes { framing.prefix($0.baseAddress! + framing.prefixSize, count: count) }
  return Array(memory.dropLast())
}
