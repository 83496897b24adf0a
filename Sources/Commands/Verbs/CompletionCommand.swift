import ArgumentParser

struct CompletionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completion", abstract: "Prints a shell's completion script.",
    discussion: """
      EXAMPLES:
        devtunnel completion bash > ~/.local/share/bash-completion/completions/devtunnel
        devtunnel completion zsh > "${fpath[1]}/_devtunnel"
        devtunnel completion fish > ~/.config/fish/completions/devtunnel.fish
      """)

  @Argument(
    help: ArgumentHelp("bash, zsh or fish.", valueName: "shell"),
    completion: .list(CompletionShell.allCases.map(\.rawValue)),
    transform: { text in
      guard let shell = CompletionShell(rawValue: text) else {
        throw ValidationError("must be one of \(CompletionShell.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return shell
    })
  var shell: CompletionShell

  func run() throws { Terminal.output.write(Devtunnel.completionScript(for: shell) + "\n") }
}
