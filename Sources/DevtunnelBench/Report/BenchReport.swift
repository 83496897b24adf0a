import CLinux
import FoundationEssentials

/// The results, as `--json` writes them.
struct BenchReport: Codable, Sendable {
  struct Settings: Codable, Sendable {
    var rounds: Int
    var service: String
    var seconds: Double
    var connects: Int
    var roundTrips: Int
    var fan: Int
  }

  struct Contender: Codable, Sendable {
    var name: String
    var medians: [Metric: Double] = [:]
    /// The values of each round that answered.
    var rounds: [[Metric: Double]] = []
    /// Parts that could not be measured, each with its reason.
    var problems: [String] = []

    mutating func add(_ round: Measurement.Outcome) {
      if !round.values.isEmpty { rounds.append(round.values) }
      problems += round.problems
    }
  }

  var settings: Settings
  var contenders: [Contender]
  /// Medians of the others divided by those of `reference`.
  var ratios: [String: [Metric: Double]] = [:]
  /// kubectl if it was measured, else the first contender.
  var reference: String

  init(settings: Settings, contenders: [String]) {
    self.settings = settings
    self.contenders = contenders.map { Contender(name: $0) }
    reference = contenders.first { $0 == "kubectl" } ?? contenders.first ?? ""
  }

  /// Computes medians and ratios from the rounds.
  mutating func conclude() {
    for index in contenders.indices {
      for metric in Metric.allCases {
        contenders[index].medians[metric] = Samples.median(contenders[index].rounds.compactMap { $0[metric] })
      }
    }
    guard let base = contenders.first(where: { $0.name == reference })?.medians else { return }
    for contender in contenders where contender.name != reference {
      ratios[contender.name] = contender.medians.reduce(into: [:]) { ratios, entry in
        if let value = base[entry.key], value > 0 { ratios[entry.key] = entry.value / value }
      }
    }
  }

  /// Writes the report as JSON.
  /// - Throws: `BenchError.Code.file` if it cannot be written.
  func write(to path: String) throws(BenchError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    do {
      let text = String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
      if path == "-" { print(text, terminator: "") } else { try Data(text.utf8).write(to: URL(filePath: path)) }
    } catch {
      throw BenchError(.file, "\(path) cannot be written: \(error)")
    }
  }
}
