import Testing

@testable import Watching

struct EditorNoiseTests {
  @Test(
    "Recognises files that editors leave beside a file",
    arguments: [
      ".main.go.swp", ".main.go.swo", ".main.go.swpx", "main.go~", ".#main.go", "#main.go#", "main.go___jb_tmp___",
      "main.go___jb_old___",
      ".goutputstream-ABC123", ".main.go.kate-swp", ".DS_Store", ".~lock.table.ods#",
    ])
  func noise(name: String) { #expect(EditorNoise.contains(name)) }

  @Test(
    "Files of the project",
    arguments: ["main.go", ".env", ".swp", "a.swp", "sedatives", "4913", "~", "#", ".gitignore", "swap", "_", ".swift"])
  func files(name: String) { #expect(!EditorNoise.contains(name)) }
}
