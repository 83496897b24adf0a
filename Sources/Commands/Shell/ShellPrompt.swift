import ControlAPI
import FoundationEssentials

/// Makes a person's own shell say where it is, after its own start-up files.
struct ShellPrompt {
  /// The shell's path.
  let shell: String
  /// `context/namespace/Kind/name`.
  let place: String

  private var mark: String { "(\(place.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./@:".contains($0)) }))" }

  /// What to start.
  /// - Parameter directory: for start-up files; goes with the shell.
  func command(_ environment: inout [String: String], directory: String) throws(ControlError) -> [String] {
    let name = shell.split(separator: "/").last.map(String.init) ?? "sh"
    switch name {
    case "bash":
      let file = directory + "/bashrc"
      try write("[ -f ~/.bashrc ] && . ~/.bashrc\nPS1='\(mark) '\"$PS1\"\n", to: file)
      return [shell, "--rcfile", file, "-i"]
    case "zsh":
      let own = environment["ZDOTDIR"] ?? environment["HOME"] ?? "~"
      let quoted = own.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      try write("ZDOTDIR='\(quoted)'\n[ -f \"$ZDOTDIR/.zshenv\" ] && . \"$ZDOTDIR/.zshenv\"\nZDOTDIR='\(directory)'\n", to: directory + "/.zshenv")
      try write("ZDOTDIR='\(quoted)'\n[ -f \"$ZDOTDIR/.zshrc\" ] && . \"$ZDOTDIR/.zshrc\"\nPROMPT='\(mark) '\"$PROMPT\"\n", to: directory + "/.zshrc")
      environment["ZDOTDIR"] = directory
      return [shell, "-i"]
    case "fish":
      return [shell, "-i", "-C", "functions -c fish_prompt _devtunnel_prompt; function fish_prompt; echo -n '\(mark) '; _devtunnel_prompt; end"]
    default:
      environment["PS1"] = "\(mark) " + (environment["PS1"] ?? "$ ")
      return [shell]
    }
  }

  private func write(_ text: String, to file: String) throws(ControlError) {
    guard FileManager.default.createFile(atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]) else {
      throw ControlError(.failed, "cannot write \(file)", remedy: "Look at the space and the rights of its directory.")
    }
  }
}
