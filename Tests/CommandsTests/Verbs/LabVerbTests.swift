import ArgumentParser
import Testing

@testable import Commands

struct LabVerbTests {
  @Test(arguments: [
    "lab", "lab up --sample -v", "lab --help", "lab -h", "lab enter shop/client -- curl -n 3 http://web",
    "lab --nonsense",
    "lab lab lab",
  ])
  func takesAllWordsBehindTheVerb(line: String) throws {
    let words = line.split(separator: " ").map(String.init)
    let verb = try #require(try Devtunnel.parseAsRoot(words) as? LabVerb)
    #expect(verb.words == Array(words.dropFirst()))
    #expect(LabVerb.arguments(words, behind: verb.words) == Array(words.dropFirst()))
  }

  @Test func handsGlobalOptionsBeforeTheVerbOver() throws {
    let words = ["-v", "--context", "lab", "lab", "status", "--name", "lab"]
    let verb = try #require(try Devtunnel.parseAsRoot(words) as? LabVerb)
    #expect(
      LabVerb.arguments(words, behind: verb.words) == ["-v", "--context", "lab", "status", "--name", "lab"])
  }

  @Test func saysHowToInstallIt() {
    #expect(LabVerb.missing.code == .failed)
    #expect(LabVerb.missing.remedy?.contains("./install.sh --lab") == true)
  }
}
