import FoundationEssentials
import Testing

@testable import DevLoop

struct ProjectTests {
  @Test func withoutAnythingToWorkFromItSaysWhatToGive() {
    let error = #expect(throws: LoopError.self) { try Project(workingDirectory: "/nowhere", environment: [:]).skaffoldFile() }
    #expect(error?.remedy?.contains("--manifests") == true)
  }

  @Test func aRelativeFileIsRelativeToTheWorkingDirectory() throws {
    var project = Project(workingDirectory: "/src/user", environment: [:])
    project.file = "../../development/user/skaffold.yaml"
    #expect(try project.skaffoldFile() == "/src/user/../../development/user/skaffold.yaml")
  }

  @Test func eachProjectHasARunOfItsOwn() throws {
    var one = Project(workingDirectory: "/src/user", environment: [:])
    one.file = "skaffold.yaml"
    var other = one
    other.workingDirectory = "/src/other/user"
    #expect(try one.run([]).hasPrefix("user-"))
    #expect(try one.run([]) != other.run([]))
    #expect(try one.run([]) == one.run([]))
  }
}
