import ControlAPI

/// Asks the user at the terminal the daemon's question about an SSH host.
enum BastionPrompt {
  /// - Returns: nil if there is no terminal, or the answer is no.
  static func ask(_ question: BastionQuestion, _ error: ControlError, _ bastion: BastionSelection) -> BastionAnswer? {
    guard Terminal.error.isTerminal else { return nil }
    var answer = BastionAnswer(bastion: bastion, url: question.url)
    if let key = question.hostKey {
      Terminal.error.line(error.message)
      guard Terminal.ask("Is this its key, and should known_hosts remember it? [yes/no] ") == "yes" else { return nil }
      answer.acceptedKey = key
    }
    for file in question.lockedKeys {
      guard let text = Terminal.ask("Passphrase of \(file): ", echo: false), !text.isEmpty else { continue }
      answer.passphrases[file] = text
    }
    return answer.acceptedKey == nil && answer.passphrases.isEmpty ? nil : answer
  }
}
