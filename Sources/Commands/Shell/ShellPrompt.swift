import ControlAPI
import FoundationEssentials

/// Makes the user's own shell show its place, after its own start-up files.
///
/// Prompts that are rebuilt each time (`PROMPT_COMMAND`, `precmd`) would lose the mark, so bash and zsh check for it
/// before each one.
struct ShellPrompt {
  /// The shell's path.
  let shell: String
  /// `context/namespace/Kind/name`.
  let place: String

  private var mark: String {
    "(\(place.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./@:".contains($0)) }))"
  }

  /// Returns the command to start.
  /// - Parameters:
  ///   - environment: the shell's.
  ///   - own: the user's, which alone decides where start-up files are.
  ///   - directory: for start-up files; removed with the shell.
  func command(_ environment: inout [String: String], own: [String: String], directory: String) throws(ControlError)
    -> [String]
  {
    let name = shell.split(separator: "/").last.map(String.init) ?? "sh"
    switch name {
    case "bash":
      let file = directory + "/bashrc"
      try write(bashrc, to: file)
      return [shell, "--rcfile", file, "-i"]
    case "zsh":
      let quoted = ShellQuoting.quoted(own["ZDOTDIR"] ?? own["HOME"] ?? "/")
      try write(zshenv(own: quoted, directory: directory), to: directory + "/.zshenv")
      try write(zshrc, to: directory + "/.zshrc")
      environment["ZDOTDIR"] = directory
      return [shell, "-i"]
    case "fish":
      return [
        shell, "-i", "-C",
        "functions -c fish_prompt _devtunnel_prompt; function fish_prompt; echo -n '\(mark) '; _devtunnel_prompt; end",
      ]
    default:
      environment["PS1"] = "\(mark) " + (own["PS1"] ?? "$ ")
      return [shell]
    }
  }

  /// Some have PROMPT_COMMAND as an array, and some export it: a function would not work, since a child shell would not
  /// have it.
  private var bashrc: String {
    """
    [ -f ~/.bashrc ] && . ~/.bashrc
    case $(declare -p PROMPT_COMMAND 2>/dev/null) in
    'declare -a'*) PROMPT_COMMAND+=('\(bashMark)') ;;
    *) PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\\n'}'\(bashMark)' ;;
    esac

    """
  }

  private var bashMark: String { #"[[ $PS1 == "\#(mark) "* ]] || PS1="\#(mark) $PS1""# }

  /// Makes the `.zshenv`, which runs the user's own: that may move the other files.
  private func zshenv(own: String, directory: String) -> String {
    """
    ZDOTDIR=\(own)
    [ -f "$ZDOTDIR/.zshenv" ] && . "$ZDOTDIR/.zshenv"
    _devtunnel_zdotdir=${ZDOTDIR:-$HOME}
    ZDOTDIR='\(directory)'

    """
  }

  private var zshrc: String {
    """
    ZDOTDIR=$_devtunnel_zdotdir
    unset _devtunnel_zdotdir
    [ -f "$ZDOTDIR/.zshrc" ] && . "$ZDOTDIR/.zshrc"
    _devtunnel_mark() { [[ $PROMPT == '\(mark) '* ]] || PROMPT='\(mark) '$PROMPT; }
    precmd_functions+=(_devtunnel_mark)

    """
  }

  private func write(_ text: String, to file: String) throws(ControlError) {
    guard
      FileManager.default.createFile(atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
    else {
      throw ControlError(.failed, "cannot write \(file)", remedy: "Look at the space and the rights of its directory.")
    }
  }
}
