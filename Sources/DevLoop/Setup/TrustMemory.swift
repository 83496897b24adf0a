import Skaffold

/// The demands of manifests that the user has allowed (`--trust`), by the repository's root.
struct TrustMemory: Sendable {
  private let memory: ClusterMemory

  init(file: String) { memory = ClusterMemory(file: file) }

  func load() -> [String: Set<String>] {
    var known: [String: Set<String>] = [:]
    for (entry, root) in memory.load() {
      guard let line = entry.firstIndex(of: "\n"), entry[..<line] == root else { continue }
      known[root, default: []].insert(String(entry[entry.index(after: line)...]))
    }
    return known
  }

  func save(_ demands: [Demand]) {
    for demand in demands { memory.save("\(demand.root)\n\(demand.key)", demand.root) }
  }
}
