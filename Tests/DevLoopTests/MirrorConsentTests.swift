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
    try withState { (consent: MirrorConsent) throws in
      let person = Person(true)
      for _ in 1...2 { #expect(try consent.isGiven(from: staging, into: kind, isNamed: false, ask: person.ask)) }
      #expect(
        person.questions.count == 1 && person.questions[0].contains("staging/shop")
          && person.questions[0].contains("kind-dev"))
      #expect(
        try consent.isGiven(
          from: staging, into: .init(name: "another", identity: "uid-3"), isNamed: false, ask: person.ask))
      #expect(
        try consent.isGiven(
          from: .init(name: "production/shop", identity: "uid-4/shop"), into: kind, isNamed: false, ask: person.ask))
      #expect(person.questions.count == 3)
    }
  }

  @Test func anotherClusterOfTheSameNameIsAskedFor() throws {
    try withState { (consent: MirrorConsent) throws in
      #expect(try consent.isGiven(from: staging, into: kind, isNamed: false, ask: Person(true).ask))
      let person = Person(false)
      #expect(
        try !consent.isGiven(
          from: staging, into: .init(name: "kind-dev", identity: "uid-9"), isNamed: false, ask: person.ask))
      #expect(
        try !consent.isGiven(
          from: .init(name: "staging/shop", identity: "uid-9/shop"), into: kind, isNamed: false, ask: person.ask))
      #expect(person.questions.count == 2)
      // Another name of the same cluster is not.
      #expect(
        try consent.isGiven(
          from: staging, into: .init(name: "renamed", identity: "uid-2"), isNamed: false, ask: person.ask))
    }
  }

  @Test func noLastsAsLongAsTheLoop() throws {
    try withState { (consent: MirrorConsent) throws in
      let person = Person(false)
      for _ in 1...2 { #expect(try !consent.isGiven(from: staging, into: kind, isNamed: false, ask: person.ask)) }
      #expect(person.questions.count == 1)
    }
  }

  @Test func withoutAPersonTheDestinationMustBeNamed() throws {
    try withState { (consent: MirrorConsent) throws in
      #expect(try consent.isGiven(from: staging, into: kind, isNamed: true, ask: nil))
      // It is no answer to remember.
      let person = Person(false)
      #expect(try !consent.isGiven(from: staging, into: kind, isNamed: false, ask: person.ask))
    }
    try withState { (consent: MirrorConsent) throws in
      // The repository's choice, or the current context.
      let error = #expect(throws: LoopError.self) {
        try consent.isGiven(from: staging, into: kind, isNamed: false, option: "--local-context", ask: nil)
      }
      #expect(error?.message.contains("kind-dev") == true && error?.message.contains("staging/shop") == true)
      #expect(error?.remedy?.contains("--local-context kind-dev") == true)
      #expect(error?.stage == .cluster && error?.isTransient == false)
      // A pair that a person has allowed before stays allowed.
      #expect(try consent.isGiven(from: staging, into: kind, isNamed: false, ask: Person(true).ask))
      #expect(try consent.isGiven(from: staging, into: kind, isNamed: false, ask: nil))
    }
  }
}
