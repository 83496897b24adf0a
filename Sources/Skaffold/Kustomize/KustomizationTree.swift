import Manifests

/// A kustomization with all local files and kustomizations that it leads to, as they are on disk: paths are without symbolic links, as kustomize takes them.
struct KustomizationTree {
  let root: String
  /// By their directories.
  private(set) var kustomizations: [String: Kustomization] = [:]
  /// All files, the kustomizations' own among them.
  private(set) var files: Set<String> = []
  /// Local paths that are named and lead to nothing: they may come.
  private(set) var missing: Set<String> = []
  /// YAML files in which a key stands twice, which today's kustomize refuses; without the earlier ones.
  private(set) var cleaned: [String: [YAMLNode]] = [:]
  private(set) var warnings: [Diagnostic] = []
  private(set) var errors: [Diagnostic] = []

  /// - Parameter root: an absolute directory.
  init(_ root: String) {
    self.root = Paths.real(root)
    visit(self.root)
  }

  private mutating func visit(_ directory: String) {
    guard kustomizations[directory] == nil, let file = Kustomization.file(in: directory), let documents = read(file), let node = documents.first else { return }
    let kustomization = Kustomization(directory: directory, file: file, root: node)
    kustomizations[directory] = kustomization
    var references: [(String, Kustomization.Role)] = []
    _ = kustomization.mapped { path, role in
      references.append((path, role))
      return path
    }
    for (written, role) in references {
      let path = Paths.real(Paths.absolute(written, in: directory))
      switch Paths.isDirectory(path) {
      case true?: if role == .resource { visit(path) }
      case false?: if role == .data { files.insert(path) } else { _ = read(path) }
      // Kustomize itself will miss it.
      case nil: if !Paths.isURL(written) { missing.insert(path) }
      }
    }
  }

  private mutating func read(_ file: String) -> [YAMLNode]? {
    guard files.insert(file).inserted else { return nil }
    do {
      var found: [Diagnostic] = []
      let documents = try YAMLNode.documents(in: try ManifestReader.text(of: file), file: file, warnings: &found)
      if !found.isEmpty { cleaned[file] = documents }
      warnings += found
      return documents
    } catch {
      errors += error.diagnostics
      return nil
    }
  }

  /// The kustomizations that cannot be rendered as they stand on disk: their own file, or one they lead to.
  var toCopy: Set<String> {
    var result = Set(kustomizations.values.filter { $0.isOutdated || cleaned[$0.file] != nil }.map(\.directory))
    var isGrowing = true
    while isGrowing {
      isGrowing = false
      for (directory, kustomization) in kustomizations where !result.contains(directory) {
        var isConcerned = false
        _ = kustomization.mapped { written, role in
          let path = Paths.real(Paths.absolute(written, in: directory))
          if result.contains(path) || cleaned[path] != nil && role != .data { isConcerned = true }
          return written
        }
        if isConcerned {
          result.insert(directory)
          isGrowing = true
        }
      }
    }
    return result
  }
}
