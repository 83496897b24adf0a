/// A watch set in a form for questions about paths.
struct WantedPaths {
  struct Tree {
    let root: String
    let selection: Selection

    func relative(_ path: String) -> String? { path == root ? "" : belowPath(path, root) }
    func absolute(_ relative: String) -> String { relative.isEmpty ? root : root + "/" + relative }
    func mayInclude(in directory: String) -> Bool { relative(directory).map { selection.mayInclude(in: $0) } ?? false }
    func includes(_ file: String) -> Bool { relative(file).map { selection.includes($0) } ?? false }
  }

  let trees: [Tree]
  let files: Set<String>

  init(_ set: WatchSet = WatchSet()) {
    trees = Set(set.trees).map {
      Tree(root: absolutePath($0.root), selection: Selection(sources: $0.sources, ignore: $0.ignore))
    }
    files = Set(set.files.map(absolutePath))
  }

  func includes(_ file: String) -> Bool { files.contains(file) || trees.contains { $0.includes(file) } }

  func mayInclude(in directory: String) -> Bool { trees.contains { $0.mayInclude(in: directory) } }
}
