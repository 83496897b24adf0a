/// A YAML text whose duplicate keys are renamed until the parser takes it: Yams refuses them, while kubectl, and so the files that exist, let the last one win.
struct DuplicateKeys {
  /// Begins a renamed key; from Unicode's private use area, so that no one else's key begins with it.
  static let mark: Character = "\u{F8F0}"

  private var lines: [String]
  private var count = 0

  /// By bytes: "\r\n" is one Character, and no "\n".
  init(_ text: String) {
    lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
  }

  var text: String { lines.joined(separator: "\n") }

  /// Renames the key at a place (from 1), the first of those with the same name.
  /// - Returns: false where none of `keys` is written there: then nothing can be done.
  mutating func hide(_ keys: [String], line: Int, column: Int) -> Bool {
    guard lines.indices.contains(line - 1) else { return false }
    var scalars = Array(lines[line - 1].unicodeScalars)
    var index = column - 1
    guard scalars.indices.contains(index) else { return false }
    if scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
    let written = String(String.UnicodeScalarView(scalars[index...]))
    guard keys.contains(where: { written.hasPrefix($0) }) else { return false }
    count += 1
    // The number keeps three of a name apart. No column changes but of what follows in the same line.
    scalars.insert(contentsOf: "\(Self.mark)\(count)\(Self.mark)".unicodeScalars, at: index)
    lines[line - 1] = String(String.UnicodeScalarView(scalars))
    return true
  }

  /// The key as it was written, nil if it was not renamed.
  static func original(_ key: String) -> String? {
    guard key.first == mark, let end = key.dropFirst().firstIndex(of: mark) else { return nil }
    return String(key[key.index(after: end)...])
  }
}
