import FoundationEssentials

/// Names with a value each, in a JSON file: allowed contexts whose clusters are not on this machine, with the identity
/// that each cluster had then; sources of copies, with their destinations.
struct ClusterMemory: Sendable {
  let file: String

  func load() -> [String: String] {
    guard let data = try? Data(contentsOf: URL(filePath: file)) else { return [:] }
    return (try? JSONDecoder().decode([String: String].self, from: data)) ?? [:]
  }

  /// Saves a value. If the file cannot be written, the next run asks again.
  func save(_ name: String, _ value: String) {
    var known = load()
    guard known.updateValue(value, forKey: name) != value else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    guard let data = try? encoder.encode(known) else { return }
    let directory = file.split(separator: "/").dropLast().joined(separator: "/")
    try? FileManager.default.createDirectory(atPath: "/" + directory, withIntermediateDirectories: true)
    try? data.write(to: URL(filePath: file), options: .atomic)
  }
}
