import Skaffold

extension ImageBuilder {
  /// Removes images that later builds have replaced, all but the last `count` of each artifact: a loop leaves one for
  /// each save, and each one slows the next build's search of the cache. Only images that this builder remembers are
  /// removed, and only by the names it gave; an image with another name as well, or in use, stays. Cancelling the task
  /// stops it between two images: the store is not left half changed.
  public func prune(_ artifacts: [Artifact], keeping count: Int = 2) async {
    for artifact in artifacts {
      guard let entry = cache[artifact.cacheKey], let store = entry.store, entry.replaced.count > count,
        let tool = try? StoreTool(store, environment: environment), let names = await names(tool)
      else { continue }
      for id in entry.replaced.dropFirst(count) {
        if Task.isCancelled { return }
        let image = BuiltImage(
          name: artifact.image, repository: artifact.repository, tag: "", id: id, store: store, isFromCache: true,
          duration: .zero)
        await remove(id, given: [image.localReference] + (entry.replacedTags?[id] ?? []), names[id] ?? [], tool)
        try? change(artifact.cacheKey) { entry in
          entry.replaced.removeAll { $0 == id }
          entry.replacedTags?[id] = nil
        }
      }
    }
  }

  /// - Parameters:
  ///   - given: the names that the image had here, as they were written.
  ///   - names: its names in the store now, in full.
  private nonisolated func remove(_ id: String, given: [String], _ names: [String], _ tool: StoreTool) async {
    let ours = names.filter { name in given.contains { name == $0 || name.hasSuffix("/" + $0) } }
    guard ours.count == names.count else { return }
    let removal = ours.isEmpty ? [String(id.dropFirst("sha256:".count))] : ours
    await Task { _ = try? await tool.child(["rmi"] + removal).read() }.value
  }

  /// Returns the names of a store's images, by id; nil if the tool fails.
  private nonisolated func names(_ tool: StoreTool) async -> [String: [String]]? {
    let name = tool.store.kind == .buildah ? "{{.Name}}" : "{{.Repository}}"
    guard let answer = try? await tool.child(["images", "--no-trunc", "--format", "{{.ID}} \(name):{{.Tag}}"]).read(),
      answer.status == 0
    else { return nil }
    var names: [String: [String]] = [:]
    for line in answer.output.split(whereSeparator: \.isNewline) {
      let words = line.split(separator: " ", omittingEmptySubsequences: true)
      guard words.count == 2, let id = StoreTool.normalized(String(words[0])) else { continue }
      names[id, default: []] += words[1].hasPrefix("<none>") ? [] : [String(words[1])]
    }
    return names
  }
}
