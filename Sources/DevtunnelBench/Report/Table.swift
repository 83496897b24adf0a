extension BenchReport {
  /// Medians side by side, and each contender's ratio to the reference.
  var table: String {
    let others = contenders.filter { $0.name != reference }
    var rows = [[""] + contenders.map { $0.name } + others.map { "\($0.name)/\(reference)" }]
    for metric in Metric.allCases where contenders.contains(where: { $0.medians[metric] != nil }) {
      let title = metric == .fan ? "\(settings.fan) \(metric.title)" : metric.title
      rows.append(
        [title] + contenders.map { Self.text($0.medians[metric]) }
          + others.map { ratios[$0.name]?[metric].map { Self.text($0) + "x" } ?? "-" })
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + padding : padding + row[column]
      }.joined(separator: "  ") + "\n"
    }.joined()
  }

  /// Formats a value with three significant digits; "-" for a missing one.
  static func text(_ value: Double?) -> String {
    guard let value else { return "-" }
    let decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
    let scale = [1.0, 10, 100, 1000][decimals]
    let scaled = Int((value * scale).rounded())
    guard decimals > 0 else { return "\(scaled)" }
    let fraction = "\(scaled % Int(scale))"
    return "\(scaled / Int(scale))." + String(repeating: "0", count: decimals - fraction.count) + fraction
  }
}
