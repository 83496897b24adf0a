import FoundationEssentials
import Testing

@testable import DevLoop

struct MirrorConsentTests {
  /// A person's answer, and the number of times that they were asked.
  final class Person {
    let answer: Bool
    var questions: [String] = []

    init(_ answer: Bool) { self.answer = answer }

    func ask(_ question: String) -> Bool {
      questions.append(question)
      return answer
    }
  }

  private func withState(_ test: (MirrorConsent) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.path + "/mirror-consent-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try test(MirrorConsent(stateDirectory: directory))
  }

  private let staging = MirrorConsent.Cluster(name: "staging/shop", identity: "uid-1/shop")
  private let kind = MirrorConsent.Cluster(name: "kind-dev", identity: "uid-2")

  @Test func yesIsRememberedForThisPairOfClusters() throws {
    try withState { consent in
      let person = Person(true)
      for _ in 1...2 { #expect(consent.isGiven(from: staging, into: kind, ask: person.ask)) }
      #expect(
        person.questions.count == 1 && person.questions[0].contains("staging/shop")
          && person.questions[0].contains("kind-dev"))
      #expect(consent.isGiven(from: staging, into: .init(name: "another", identity: "uid-3"), ask: person.ask))
      #expect(
        consent.isGiven(from: .init(name: "production/shop", identity: "uid-4/shop"), into: kind, ask: person.ask))
      #expect(person.questions.count == 3)
    }
  }

  @Test func anotherClusterOfTheSameNameIsAskedFor() throws {
    try withState { consent in
      #expect(consent.isGiven(from: staging, into: kind, ask: Person(true).ask))
      let person = Person(false)
      #expect(!consent.isGiven(from: staging, into: .init(name: "kind-dev", identity: "uid-9"), ask: person.ask))
      #expect(!consent.isGiven(from: .init(name: "staging/shop", identity: "uid-9/shop"), into: kind, ask: person.ask))
      #expect(person.questions.count == 2)
      // Another name of the same cluster is not.
      #expect(consent.isGiven(from: staging, into: .init(name: "renamed", identity: "uid-2"), ask: person.ask))
    }
  }

  @Test func noLastsAsLongAsTheLoop() throws {
    try withState { consent in
      let person = Person(false)
      for _ in 1...2 { #expect(!consent.isGiven(from: staging, into: kind, ask: person.ask)) }
      #expect(person.questions.count == 1)
    }
  }

  @Test func withoutAPersonTheOptionIsEnough() throws {
    try withState { consent in
      #expect(consent.isGiven(from: staging, into: kind, ask: nil))
      // It is no answer to remember.
      let person = Person(false)
      #expect(!consent.isGiven(from: staging, into: kind, ask: person.ask))
    }
  }
}
