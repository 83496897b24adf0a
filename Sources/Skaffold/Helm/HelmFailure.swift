import Manifests

/// Helm's words about a chart that it cannot render, with the place that they name.
enum HelmFailure {
  /// - Parameters:
  ///   - words: Helm's standard error.
  ///   - chart: the chart's name and directory; nil for a remote one.
  ///   - files: the values files, as Helm was given them.
  static func place(_ words: String, chart: (name: String, directory: String)?, files: [String]) -> SourcePosition? {
    let words = clipped(words)
    let line = words.firstMatch(of: #/yaml: line (\d+)/#).flatMap { Int($0.1) }
    if let chart {
      // "template: shop/templates/web.yaml:5:11: executing …", "parse error at (shop/templates/web.yaml:3): …"
      let own = words.ranges(of: chart.name + "/").compactMap { name in
        // A path that only has the name in it is another one, and is not searched again.
        if let before = words[..<name.lowerBound].last, before.isLetter || before.isNumber || "_.-/".contains(before) {
          return nil as (Substring, Substring, Substring?, Substring?)?
        }
        return words[name.upperBound...].prefixMatch(of: #/((?:[\w.-]+/)*[\w.-]+\.\w+)(?::(\d+)(?::(\d+))?)?/#)?.output
      }
      // The innermost template comes last; words without a line are less.
      if let place = own.last(where: { $0.2 != nil }) ?? own.first {
        let path = chart.directory + "/" + String(place.1)
        let number = place.2.flatMap { Int($0) } ?? line ?? 1
        // Go counts columns from 0.
        return SourcePosition(file: path, line: number, column: place.3.flatMap { Int($0) }.map { $0 + 1 })
      }
    }
    if let file = files.first(where: { words.contains($0) }) { return SourcePosition(file: file, line: line ?? 1) }
    if let chart, let name = ["values.yaml", "Chart.yaml"].first(where: { words.contains($0) }) {
      return SourcePosition(file: "\(chart.directory)/\(name)", line: line ?? 1)
    }
    return nil
  }

  private static let longest = 8 << 10

  /// Returns the beginning and the end of long words: a chart writes as much as it likes, and it is searched.
  private static func clipped(_ words: String) -> String {
    guard words.utf8.count > 2 * longest else { return words }
    return String(decoding: words.utf8.prefix(longest), as: UTF8.self) + "\n"
      + String(decoding: words.utf8.suffix(longest), as: UTF8.self)
  }

  /// Returns the words without Helm's own prefix and its hint to use --debug.
  static func text(_ words: String) -> String {
    var lines = words.split(whereSeparator: \.isNewline).map(String.init).filter { line in
      !line.isEmpty && !line.hasPrefix("Use --debug flag") && !isNoise(line)
    }
    if let first = lines.first, first.hasPrefix("Error: ") { lines[0] = String(first.dropFirst(7)) }
    return lines.isEmpty ? "it said nothing" : lines.joined(separator: "\n")
  }

  /// Lines about links, which are devtunnel's own.
  static func isNoise(_ line: String) -> Bool {
    line.contains("found symbolic link in path") || line.contains("Contents of linked file included")
  }
}
