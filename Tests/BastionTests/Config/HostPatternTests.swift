import Testing

@testable import Bastion

struct HostPatternTests {
  @Test(arguments: [
    ("bastion", true), ("b*", true), ("b?????", false), ("b?????n", true), ("* !bastion", false), ("!bastion *", false),
    ("!other b*", true),
    ("BASTION", true), ("*.example.com bastion", true), ("", false), ("other", false), ("*b*a*n", true),
    ("!other", false),
  ]) func patterns(pattern: String, isMatch: Bool) {
    #expect(HostPattern.matches(pattern.split(separator: " "), "bastion") == isMatch)
  }

  @Test func caseCountsOnRequest() {
    #expect(!HostPattern.matches(["BASTION"], "bastion", caseCounts: true))
    #expect(HostPattern.matches(["B*"], "Bastion", caseCounts: true))
  }
}
