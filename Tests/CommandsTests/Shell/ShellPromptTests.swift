import Foundation
import Testing

@testable import Commands

struct ShellPromptTests {
  private static let mark = "(dev/shop/Deployment/web) "

  @Test(arguments: [
    "", "PS1='own> '", "PROMPT_COMMAND='PS1=\"own> \"'", "export PROMPT_COMMAND='PS1=\"own> \";'",
    "PROMPT_COMMAND=(true 'PS1=\"own> \"')",
  ])
  func bashSaysWhereItIs(startup: String) throws {
    let home = try Home(["home/.bashrc": startup])
    defer { home.remove() }
    let output = try home.run("/bin/bash")
    #expect(prompts(output) == 3, "\(output)")
    #expect(startup.isEmpty || output.contains(Self.mark + "own> "), "\(output)")
  }

  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/zsh")),
    arguments: ["PROMPT='own> '", "precmd() { PROMPT='own> ' }"])
  func zshSaysWhereItIs(startup: String) throws {
    let home = try Home(["home/.zshrc": startup])
    defer { home.remove() }
    let output = try home.run("/usr/bin/zsh")
    #expect(prompts(output) == 3, "\(output)")
    #expect(output.contains(Self.mark + "own> "), "\(output)")
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/zsh")))
  func zshFindsItsFilesWhereZshenvSays() throws {
    let home = try Home([
      "home/.zshenv": "export ZDOTDIR=$HOME/zsh", "home/.zshrc": "PROMPT='other> '",
      "home/zsh/.zshrc": "PROMPT='own> '",
    ])
    defer { home.remove() }
    let output = try home.run("/usr/bin/zsh", input: "echo \"=$ZDOTDIR=\"\n")
    #expect(output.contains(Self.mark + "own> "), "\(output)")
    #expect(!output.contains("other> "), "\(output)")
    #expect(output.contains("=\(home.path)/home/zsh="), "\(output)")
  }

  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/zsh")), arguments: ["ZDOTDIR", "HOME"])
  func zshTakesNoFilesFromWhereTheWorkloadSays(name: String) throws {
    let home = try Home(["home/.zshrc": "PROMPT='own> '", "other/.zshrc": "echo pwned", "other/.zshenv": "echo pwned"])
    defer { home.remove() }
    let output = try home.run("/usr/bin/zsh", workload: [name: home.path + "/other"])
    #expect(output.contains(Self.mark + "own> ") && !output.contains("pwned"), "\(output)")
  }

  /// A prompt for each of the two commands, and one for the end of the input.
  private func prompts(_ output: String) -> Int { output.components(separatedBy: Self.mark).count - 1 }

  /// A home directory with start-up files.
  private struct Home {
    let path = "/tmp/dt-prompt-" + UUID().uuidString.prefix(8)

    init(_ files: [String: String]) throws {
      try FileManager.default.createDirectory(atPath: path + "/plan", withIntermediateDirectories: true)
      for (name, text) in files {
        let folder = URL(filePath: path + "/" + name).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data((text + "\n").utf8).write(to: URL(filePath: path + "/" + name))
      }
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    /// - Returns: what the shell printed, its prompts too.
    /// - Parameter workload: variables that the person does not have.
    func run(_ shell: String, input: String = "true\nfalse\n", workload: [String: String] = [:]) throws -> String {
      var environment = ["HOME": path + "/home", "PATH": "/usr/bin:/bin", "TERM": "dumb"]
      let own = environment
      environment.merge(workload) { _, new in new }
      let command = try ShellPrompt(shell: shell, place: "dev/shop/Deployment/web").command(
        &environment, own: own, directory: path + "/plan")
      let typed = path + "/input"
      try Data(input.utf8).write(to: URL(filePath: typed))
      let process = Process()
      let output = Pipe()
      process.executableURL = URL(filePath: shell)
      process.arguments = Array(command.dropFirst())
      process.environment = environment
      process.standardInput = try FileHandle(forReadingFrom: URL(filePath: typed))
      process.standardOutput = output
      process.standardError = output
      try process.run()
      let read = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      return String(decoding: read, as: UTF8.self)
    }
  }
}
