import ControlAPI
import FoundationEssentials

enum JSONOutput {
  /// The text that `--output json` prints: keys sorted, what is nil left out.
  static func text(_ value: some Encodable) throws(ControlError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      throw ControlError(.failed, "the result cannot be written as JSON: \(error)")
    }
  }
}
