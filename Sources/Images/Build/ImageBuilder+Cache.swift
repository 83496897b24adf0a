import FoundationEssentials
import Skaffold

extension ImageBuilder {
  /// Returns the image that these inputs gave last time, with the wanted tag, if its store still has it.
  nonisolated func cached(_ artifact: Artifact, _ inputs: ArtifactInputs, tag: String) async throws(BuildError)
    -> MadeImage?
  {
    guard let entry = await cache[artifact.cacheKey], try await hash(of: inputs) == entry.inputs,
      let store = entry.store,
      let tool = try? StoreTool(store, environment: environment), try await isThere(entry.id, tool)
    else { return nil }
    if !entry.tags.contains(tag) {
      try await tool.tag(entry.id, tag)
      try await change(artifact.cacheKey) { $0.tags.append(tag) }
    }
    return MadeImage(id: entry.id, store: store, pushed: entry.pushed)
  }

  private func hash(of inputs: ArtifactInputs) throws(BuildError) -> String { try cache.hash(of: inputs) }

  nonisolated func remember(_ artifact: Artifact, _ inputs: ArtifactInputs, tag: String, _ made: MadeImage)
    async throws(BuildError)
  {
    let directory: String? =
      if let tool = try? StoreTool(made.store, environment: environment) { await imagesDirectory(tool) } else { nil }
    try await record(artifact.cacheKey, inputs, tag, made, directory)
  }

  private func record(
    _ key: String, _ inputs: ArtifactInputs, _ tag: String, _ made: MadeImage, _ directory: String?
  ) throws(BuildError) {
    let hash = try hash(of: inputs)
    try cache.update { entries, directories in
      let former = entries[key]
      var replaced = (former.map { [$0.id] } ?? []) + (former?.replaced ?? [])
      replaced.removeAll { $0 == made.id }
      var replacedTags = former?.replacedTags ?? [:]
      if let former { replacedTags[former.id] = former.tags }
      directories[BuildCache.place(of: made.store, environment)] = directory
      replaced = Array(replaced.prefix(50))
      entries[key] = BuildCache.Entry(
        inputs: hash, id: made.id, tags: [tag], kind: made.store.kind.rawValue, arguments: made.store.arguments,
        replaced: replaced, replacedTags: replacedTags.filter { replaced.contains($0.key) }, pushed: made.pushed,
        used: Int(Date().timeIntervalSince1970))
    }
  }

  func change(_ key: String, _ change: (inout BuildCache.Entry) -> Void) throws(BuildError) {
    try cache.update { entries, _ in
      guard var entry = entries[key] else { return }
      change(&entry)
      entries[key] = entry
    }
  }

  /// Returns the directory as an earlier build found it, else asks the tool.
  nonisolated func imagesDirectory(_ tool: StoreTool) async -> String? {
    if let known = await cache.imagesDirectory(of: tool.store, environment) { return known }
    return await Task { try? await tool.imagesDirectory() }.value ?? nil
  }

  private nonisolated func isThere(_ id: String, _ tool: StoreTool) async throws(BuildError) -> Bool {
    if tool.store.kind != .docker, let directory = await imagesDirectory(tool) {
      return FileManager.default.fileExists(atPath: directory + "/" + id.dropFirst("sha256:".count))
    }
    return try await tool.id(of: id) == id
  }
}
