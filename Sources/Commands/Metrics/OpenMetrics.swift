/// A family of metrics in OpenMetrics 1.0 (https://openmetrics.io), the text that Prometheus reads.
struct MetricFamily: Sendable {
  enum Kind: String, Sendable { case counter, gauge }

  /// A name and a value, in the order in which they are written.
  typealias Labels = [(name: String, value: String)]

  /// Without the ending of its samples, and with the unit at its end if it has one.
  let name: String
  let kind: Kind
  let unit: String?
  let help: String
  private var samples: [String] = []
  private var taken: Set<String> = []

  init(_ name: String, _ kind: Kind, unit: String? = nil, _ help: String) {
    self.name = unit.map { "\(name)_\($0)" } ?? name
    self.kind = kind
    self.unit = unit
    self.help = help
  }

  /// Adds a sample. A second one with the same labels is left out, since a reader would refuse all.
  mutating func add(_ labels: Labels = [], _ value: Double) {
    let text = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
    guard taken.insert(text).inserted else { return }
    samples.append("\(name)\(ending)\(text.isEmpty ? "" : "{\(text)}") \(Self.number(value))")
  }

  mutating func add(_ labels: Labels = [], _ value: UInt64) { add(labels, Double(value)) }
  mutating func add(_ labels: Labels = [], _ value: Int) { add(labels, Double(value)) }

  private var ending: String { kind == .counter ? "_total" : "" }

  var lines: [String] {
    ["# TYPE \(name) \(kind.rawValue)"] + (unit.map { ["# UNIT \(name) \($0)"] } ?? [])
      + ["# HELP \(name) \(Self.escaped(help))"] + samples
  }

  /// Escapes a label's value, or a help (OpenMetrics, section "ABNF").
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func number(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map(String.init) ?? "\(value)"
  }
}

enum OpenMetrics {
  static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

  /// Returns the whole text. Families without samples are told by their names alone.
  static func text(_ families: [MetricFamily]) -> String {
    (families.flatMap(\.lines) + ["# EOF"]).joined(separator: "\n") + "\n"
  }
}
