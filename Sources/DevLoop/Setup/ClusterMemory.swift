import FoundationEssentials

/// Contexts that a person has allowed although their clusters are not on this machine, each with the UID of the cluster it led to then.
struct ClusterMemory: Sendable {
  let file: String

  func load() -> [String: String] {
    guard let data = try? Data(contentsOf: URL(filePath: file)) else { return [:] }
    return (try? JSONDecoder().decode([String: String].self, from: data)) ?? [:]
  }

  /// Where it cannot be written, the next run needs `--allow-context` again.
  func save(_ context: String, uid: String) {
    var known = load()
    guard known.updateValue(uid, forKey: context) != uid else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    guard let data = try? encoder.encode(known) else { return }
    let directory = file.split(separator: "/").dropLast().joined(separator: "/")
    try? FileManager.default.createDirectory(atPath: "/" + directory, withIntermediateDirectories: true)
    try? data.write(to: URL(filePath: file), options: .atomic)
  }
}
