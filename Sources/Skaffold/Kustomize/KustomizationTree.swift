import Inputs
import Manifests

/// A kustomization with all local files and kustomizations that it refers to, as they are on disk: paths are without
/// symbolic links, as kustomize takes them.
struct KustomizationTree {
  let root: String
  /// The repository.
  private let repository: String
  /// By their directories.
  private(set) var kustomizations: [String: Kustomization] = [:]
  /// All files, the kustomizations' own among them.
  private(set) var files: Set<String> = []
  /// Local paths that are named and do not exist yet.
  private(set) var missing: Set<String> = []
  /// YAML files with a duplicate key, which today's kustomize refuses; here without the earlier ones.
  private(set) var cleaned: [String: [YAMLNode]] = [:]
  /// True if a file outside its kustomization's directory is named.
  private(set) var readsOutside = false
  /// Its demands beyond the repository's files.
  private(set) var demands: [Demand] = []
  private(set) var warnings: [Diagnostic] = []
  private(set) var errors: [Diagnostic] = []

  /// - Parameters:
  ///   - root: an absolute directory.
  ///   - repository: the one whose files may be read.
  init(_ root: String, root repository: String) {
    self.root = Paths.real(root)
    self.repository = repository
    if !Paths.isOf(repository, self.root) { demands.append(.outside(self.root, repository, nil)) }
    visit(self.root)
  }

  private mutating func visit(_ directory: String) {
    if let known = kustomizations[directory] { return checkTwin(known.directory, directory) }
    guard let file = Kustomization.file(in: directory) else { return }
    check(Paths.real(file), SourcePosition(file: file, line: 1))
    // Kustomize decodes tagged values, and would see paths that differ from the text.
    var limits = YAMLText.Limits()
    limits.text = 1 << 20
    limits.hasTags = false
    guard let documents = read(file, limits), let node = documents.first else { return }
    if documents.count > 1 {
      errors.append(
        Diagnostic(
          .error, "the kustomization has more than one document", at: documents[1].position,
          remedy: "make each a kustomization of its own"))
    }
    let kustomization = Kustomization(directory: directory, file: file, root: node)
    kustomizations[directory] = kustomization
    errors += kustomization.disguisedKeys
    for (field, position) in kustomization.pluginFields { demands.append(.plugins(field, repository, position)) }
    for reference in kustomization.references { follow(reference, from: directory) }
  }

  private mutating func follow(_ reference: Kustomization.Reference, from directory: String) {
    guard !Paths.hidesSlash(reference.path) else {
      errors.append(
        Diagnostic(
          .error, "'\(reference.path)' has a combining mark behind a slash", at: reference.position,
          remedy: "give the file another name"))
      return
    }
    // Kustomize tries to fetch it before it looks for a directory of that name.
    if Paths.mayBeFetched(reference.path) {
      return demands.append(.network(reference.path, repository, reference.position))
    }
    let path = Paths.real(Paths.absolute(reference.path, in: directory))
    switch Paths.isDirectory(path) {
    case true?:
      if !Paths.isOf(repository, path) { demands.append(.outside(path, repository, reference.position)) }
      if reference.role == .resource { visit(path) }
    case false?:
      if !Paths.isBelow(path, directory) { readsOutside = true }
      guard check(path, reference.position) else { return }
      if reference.role == .data || !Paths.isOf(repository, path) { files.insert(path) } else { _ = read(path) }
    case nil:
      // Kustomize would then look for it in the network.
      missing.insert(path)
      errors.append(
        Diagnostic(
          .error, "\(path) does not exist", at: reference.position, remedy: "correct the path, or make the file"))
    }
  }

  /// - Returns: false if it is not a file that can be read to its end.
  @discardableResult
  private mutating func check(_ path: String, _ position: SourcePosition) -> Bool {
    if !Paths.isOf(repository, path) { demands.append(.outside(path, repository, position)) }
    guard !Paths.isRegularFile(path) else { return true }
    errors.append(Diagnostic(.error, "\(path) is no regular file", at: position, remedy: "replace it with a file"))
    return false
  }

  /// Refuses two paths that Swift takes for one and the kernel does not: of such two only one would be looked at.
  private mutating func checkTwin(_ known: String, _ path: String) {
    guard !Paths.isSame(known, path) else { return }
    errors.append(
      Diagnostic(
        .error, "two paths are called \(path), in two encodings of its letters",
        at: SourcePosition(file: path, line: 1), remedy: "rename one of them"))
  }

  private mutating func read(_ file: String, _ limits: YAMLText.Limits = YAMLText.Limits()) -> [YAMLNode]? {
    let (isNew, known) = files.insert(file)
    guard isNew else {
      checkTwin(known, file)
      return nil
    }
    do {
      var found: [Diagnostic] = []
      let documents = try YAMLNode.documents(
        in: try ManifestReader.text(of: file), file: file, limits: limits, warnings: &found)
      if !found.isEmpty { cleaned[file] = documents }
      warnings += found
      return documents
    } catch {
      errors += error.diagnostics
      return nil
    }
  }

  /// The kustomizations that cannot be rendered in place: their own file is at fault, or one they refer to.
  var toCopy: Set<String> {
    var result = Set(kustomizations.values.filter { $0.isOutdated || cleaned[$0.file] != nil }.map(\.directory))
    var isGrowing = true
    while isGrowing {
      isGrowing = false
      for (directory, kustomization) in kustomizations where !result.contains(directory) {
        let isConcerned = kustomization.references.contains { reference in
          let path = Paths.real(Paths.absolute(reference.path, in: directory))
          return result.contains(path) || cleaned[path] != nil && reference.role != .data
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
