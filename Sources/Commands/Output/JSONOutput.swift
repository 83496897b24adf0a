import ControlAPI
import FoundationEssentials
import TerminalText

enum JSONOutput {
  /// Returns the text that `--output json` prints: keys sorted, nil values left out.
  /// - Parameter isPretty: true for several lines, for people.
  static func text(_ value: some Encodable, isPretty: Bool = true) throws(ControlError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      isPretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
    do {
      return TerminalText.json(String(decoding: try encoder.encode(value), as: UTF8.self))
    } catch {
      throw ControlError(.failed, "the result cannot be written as JSON: \(error)")
    }
  }
}
