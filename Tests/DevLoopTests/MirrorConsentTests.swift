import FoundationEssentials
import Testing

@testable import DevLoop

struct MirrorConsentTests {
  /// What a person answers, and how often they were asked.
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

  @Test func yesIsRememberedForThisPairOfClusters() throws {
    try withState { consent in
      let person = Person(true)
      for _ in 1...2 { #expect(consent.isGiven(from: "staging/shop", into: "kind-dev", ask: person.ask)) }
      #expect(person.questions.count == 1 && person.questions[0].contains("staging/shop") && person.questions[0].contains("kind-dev"))
      #expect(consent.isGiven(from: "staging/shop", into: "another", ask: person.ask))
      #expect(consent.isGiven(from: "production/shop", into: "kind-dev", ask: person.ask))
      #expect(person.questions.count == 3)
    }
  }

  @Test func noIsAskedAgain() throws {
    try withState { consent in
      let person = Person(false)
      for _ in 1...2 { #expect(!consent.isGiven(from: "staging/shop", into: "kind-dev", ask: person.ask)) }
      #expect(person.questions.count == 2)
    }
  }

  @Test func withoutAPersonTheOptionIsEnough() throws {
    try withState { consent in
      #expect(consent.isGiven(from: "staging/shop", into: "kind-dev", ask: nil))
      // It is no answer to remember.
      let person = Person(false)
      #expect(!consent.isGiven(from: "staging/shop", into: "kind-dev", ask: person.ask))
    }
  }
}
