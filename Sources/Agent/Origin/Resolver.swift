import CLinux

#if !hasFeature(Embedded)
  import Relay
#endif

/// Asks cluster DNS for IPv4 addresses over UDP (RFC 1035), without blocking the loop.
final class Resolver {
  enum Outcome {
    case addresses([clinux_address])
    case noSuchName
    case noAnswer
  }

  let loop: EventLoop
  let nameserver: clinux_address?

  init(loop: EventLoop, nameserver: clinux_address?) {
    self.loop = loop
    self.nameserver = nameserver
  }

  /// - Parameter name: a full name in ASCII, without the root's dot.
  func resolve(_ name: [UInt8], _ completion: @escaping (Outcome) -> Void) {
    guard let nameserver, let query = Query(loop: loop, name: name, nameserver: nameserver, completion: completion)
    else {
      return completion(.noAnswer)
    }
    query.send()
  }
}

/// One question, asked up to three times.
private final class Query: Handler {
  private let loop: EventLoop
  private let fd: Int32
  private let question: [UInt8]
  private var completion: ((Resolver.Outcome) -> Void)?
  private var tries = 0
  private static let patience: UInt64 = 700_000

  init?(loop: EventLoop, name: [UInt8], nameserver: clinux_address, completion: @escaping (Resolver.Outcome) -> Void) {
    var nameserver = nameserver
    fd = clinux_udp_connect(&nameserver)
    guard fd >= 0, let question = Self.question(name) else {
      if fd >= 0 { clinux_close(fd) }
      return nil
    }
    self.loop = loop
    self.question = question
    self.completion = completion
  }

  func send() {
    loop.watch(fd, self)
    ask()
  }

  private func ask() {
    tries += 1
    _ = clinux_send(fd, question, question.count)
    loop.schedule(self, after: Self.patience, kind: 0)
  }

  override func timerFired(_ kind: UInt8) { if tries < 3 { ask() } else { end(.noAnswer) } }

  override func ready(_ events: UInt32) {
    while completion != nil {
      let count = clinux_receive(fd, loop.scratch, EventLoop.scratchSize)
      if count == -Int(clinux_EAGAIN) { return }
      if count < 0 { return end(.noAnswer) }
      let answer = UnsafeRawBufferPointer(start: loop.scratch, count: count)
      if let outcome = question.withUnsafeBytes({ Resolver.outcome(of: answer, to: $0) }) { end(outcome) }
    }
  }

  private func end(_ outcome: Resolver.Outcome) {
    guard let told = completion else { return }
    completion = nil
    loop.unwatch(fd)
    loop.unregister(self)
    clinux_close(fd)
    told(outcome)
  }

  /// Returns an A query with recursion desired and room for 4,096 bytes of answer (RFC 6891): some 250 Pods. Those that
  /// a larger answer cuts off are not needed.
  private static func question(_ name: [UInt8]) -> [UInt8]? {
    guard !name.isEmpty, name.count < 254 else { return nil }
    var id: [UInt8] = [0, 0]
    _ = clinux_random(&id, 2)
    var message: [UInt8] = [id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]
    for label in name.split(separator: 46) {
      guard label.count < 64 else { return nil }
      message.append(UInt8(label.count))
      message.append(contentsOf: label)
    }
    message.append(contentsOf: [0, 0, 1, 0, 1])
    message.append(contentsOf: [0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0])
    return message
  }
}

extension Resolver {
  /// Returns nil for a message that does not answer this query: another id, or another question.
  static func outcome(of message: UnsafeRawBufferPointer, to query: UnsafeRawBufferPointer) -> Outcome? {
    guard message.count >= DNSMessage.headerSize, query.count >= DNSMessage.headerSize, message[0] == query[0],
      message[1] == query[1], message[2] & 0x80 != 0, let end = DNSMessage.questionEnd(query),
      DNSMessage.answers(message, query, questionEnd: end)
    else { return nil }
    let code = message[3] & 15
    if code == 3 { return .noSuchName }
    guard code == 0 else { return .noAnswer }
    var questions = Int(message[4]) << 8 | Int(message[5])
    var answers = Int(message[6]) << 8 | Int(message[7])
    var offset = 12
    func skipName() -> Bool {
      while offset < message.count {
        let length = Int(message[offset])
        if length >= 192 {
          offset += 2
          return true
        }
        offset += 1 + length
        if length == 0 { return true }
      }
      return false
    }
    while questions > 0 {
      guard skipName() else { return nil }
      offset += 4
      questions -= 1
    }
    var found: [clinux_address] = []
    while answers > 0 {
      guard skipName(), offset + 10 <= message.count else { break }
      let type = Int(message[offset]) << 8 | Int(message[offset + 1])
      let length = Int(message[offset + 8]) << 8 | Int(message[offset + 9])
      offset += 10
      guard offset + length <= message.count else { break }
      if type == 1, length == 4,
        let address = clinux_address(
          [message[offset], message[offset + 1], message[offset + 2], message[offset + 3]], port: 0)
      {
        found.append(address)
      }
      offset += length
      answers -= 1
    }
    return .addresses(found)
  }
}
