import Testing

@testable import LabNode

@Suite struct CommandTests {
  /// More than a pipe holds, to a program that ends without reading it.
  @Test func inputMayStayUnread() async throws {
    let input = String(repeating: "a line of input\n", count: 100_000)
    let program = try Command("true", package: "coreutils")
    for _ in 0..<20 { #expect(try await program.result([], input: input).status == 0) }
  }

  @Test func inputIsReadFromItsBeginning() async throws {
    let program = try Command("head", package: "coreutils")
    #expect(try await program.result(["-n", "1"], input: "one\ntwo\n").output == "one\n")
    #expect(try await program.result([]).output == "")
  }

  @Test func failuresSayWhatTheProgramSaid() async throws {
    let program = try Command("cat", package: "coreutils")
    let error = await #expect(throws: LabNodeError.self) { try await program(["/nothing/of/that/name"]) }
    #expect(error?.message.contains("status 1") == true && error?.message.contains("/nothing/of/that/name") == true)
  }
}
