import FoundationEssentials

/// Names with a value each, in a JSON file: contexts that a person has allowed although their clusters are not on this
/// machine, with the UID of the cluster that each led to then; sources of copies, with where these go.
struct ClusterMemory: Sendable {
  let file: String

  func load() -> [String: String] {
    guard let data = try? Data(contentsOf: URL(filePath: file)) else { return [:] }
    return (try? JSONDecoder().decode([String: String].self, from: data)) ?? [:]
  }

  /// Where it cannot be written, the next run asks again.
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
