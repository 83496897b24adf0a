import CLinux
import Testing

@testable import Agent

/// An answer counts only if it is the query's: by its id, and by its question.
struct ResolverAnswerTests {
  /// - Parameter name: in lower or upper case.
  private static func message(_ flags: [UInt8], name: String, id: UInt8 = 7, type: UInt8 = 1, answer: [UInt8]? = nil)
    -> [UInt8]
  {
    var message: [UInt8] = [0, id] + flags + [0, 1, 0, answer == nil ? 0 : 1, 0, 0, 0, 0]
    for label in name.split(separator: ".") { message += [UInt8(label.utf8.count)] + label.utf8 }
    message += [0, 0, type, 0, 1]
    if let answer { message += [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4] + answer }
    return message
  }

  private static let query = message([1, 0], name: "origin.ns.svc")
  private static let answered: [UInt8] = [0x81, 0x80]
  private static let absent: [UInt8] = [0x81, 0x83]

  private func outcome(_ answer: [UInt8]) -> String {
    let outcome = answer.withUnsafeBytes { answer in
      Self.query.withUnsafeBytes { Resolver.outcome(of: answer, to: $0) }
    }
    return switch outcome {
    case .addresses(let found):
      found.map { $0.byteArray.map(String.init).joined(separator: ".") }.joined(separator: " ")
    case .noSuchName: "no such name"
    case .noAnswer: "no answer"
    case nil: "none of ours"
    }
  }

  @Test(
    "Answers",
    arguments: [
      (message(answered, name: "origin.ns.svc", answer: [10, 0, 0, 7]), "10.0.0.7"),
      (message(answered, name: "ORIGIN.ns.svc", answer: [10, 0, 0, 7]), "10.0.0.7"),
      (message(absent, name: "origin.ns.svc"), "no such name"),
      (message([0x81, 0x82], name: "origin.ns.svc"), "no answer"),
      ([0, 7, 0x81, 0x83, 0, 0, 0, 0, 0, 0, 0, 0], "no such name"),
      (message(answered, name: "agents.ns.svc", answer: [10, 0, 0, 66]), "none of ours"),
      (message(absent, name: "agents.ns.svc"), "none of ours"),
      (message(answered, name: "origin.ns.svc.x", answer: [10, 0, 0, 66]), "none of ours"),
      (message(answered, name: "origin.ns.svc", id: 8, answer: [10, 0, 0, 66]), "none of ours"),
      (message(answered, name: "origin.ns.svc", type: 28, answer: [10, 0, 0, 66]), "none of ours"),
      ([0, 7, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 0], "none of ours"), (query, "none of ours"), ([], "none of ours"),
    ])
  func answers(message: [UInt8], expected: String) { #expect(outcome(message) == expected) }
}
