@testable import Outbound

extension Harness {
  /// A query of a client; behind its length an answer of a server, which may be to the same question.
  static let dns = Harness(name: "dns", maximumLength: 2048, usualLength: 256) { bytes in
    guard let first = bytes.first else { return }
    let (asked, answered) = (Array(bytes.dropFirst().prefix(Int(first))), Array(bytes.dropFirst(1 + Int(first))))
    let query: DNSQuery
    do throws(DNSQuery.Refusal) {
      query = try DNSQuery(asked)
    } catch .rcode(let rcode) {
      return try promise(
        DNSQuery.refusal(rcode, of: asked).count == DNSMessage.headerSize, "a refusal of another length")
    } catch { return }
    guard let passed = DNSMessage(query.upstream(id: 7)), let question = passed.question else {
      throw BrokenPromise(description: "what is passed on is no message")
    }
    try promise(question.matches(query.question) && passed.id == 7, "what is passed on asks something else")
    _ = (question.name.description, question.name.reverseAddress, question.name.dots)
    guard let message = DNSMessage(answered) else { return }
    try promise(
      DNSMessage(message.bytes).map { $0.records.count == message.records.count } ?? false,
      "a message is read otherwise the second time")
    if let renamed = message.renamed(to: query.question.rawName) {
      try promise(renamed.question?.name == query.question.name, "the message has another name")
      try promise(renamed.records.count == message.records.count, "records are lost")
    }
    // Most answers that come by chance are to another question.
    let own = message.question ?? query.question
    let client = DNSQuery(id: query.id, question: own, flags: query.flags, edns: query.edns)
    guard let answer = DNSAnswer(message, to: own, now: 1_000_000) else { return }
    for (limit, now) in [(client.limit, UInt64(1_000_000)), (65_535, 90_000_000_000), (12, 1_000_000)] {
      let (out, truncated) = answer.message(for: client, limit: limit, now: now)
      guard let read = DNSMessage(out) else {
        throw BrokenPromise(description: "the answer to the client is no message")
      }
      try promise(read.id == client.id && read.isResponse, "the answer has another head")
      try promise(truncated || out.count <= limit, "\(out.count) bytes where \(limit) fit")
    }
  }
}
