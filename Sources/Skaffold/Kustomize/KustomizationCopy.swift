import Manifests

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A modernised copy, in a directory of its own, of the kustomizations that cannot be rendered
/// as they are; it refers to the others in place.
struct KustomizationCopy {
  /// The directory of the root kustomization now.
  let root: String
  private let directory: String

  /// - Throws: `InputError` if the temporary directory cannot be written.
  init(of tree: KustomizationTree) throws(InputError) {
    let files = FileManager.default
    // Without symbolic links: `..` in a reference goes up from the real directory.
    let temporary = Paths.real(files.temporaryDirectory.path)
    let directory = Paths.absolute("devtunnel-kustomize-\(UUID().uuidString)", in: temporary)
    self.directory = directory
    var copies: [String: String] = [:]
    for (index, original) in tree.toCopy.sorted().enumerated() { copies[original] = "\(directory)/k\(index)" }
    var cleaned: [String: String] = [:]
    for (index, original) in tree.cleaned.keys.sorted().enumerated() {
      cleaned[original] = "\(directory)/f\(index).yaml"
    }
    root = copies[tree.root] ?? tree.root
    do {
      try files.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      for (original, copy) in cleaned {
        try Data(YAMLWriter.yaml(tree.cleaned[original] ?? []).utf8).write(to: URL(filePath: copy))
      }
      for (original, copy) in copies {
        guard let kustomization = tree.kustomizations[original]?.modernized else { continue }
        let node = kustomization.mapped { reference in
          let (written, role) = (reference.path, reference.role)
          let path = Paths.real(Paths.absolute(written, in: original))
          if role != .data, let moved = copies[path] ?? cleaned[path] { return Paths.relative(moved, from: copy) }
          return Paths.isDirectory(path) == nil ? written : Paths.relative(path, from: copy)
        }
        try files.createDirectory(atPath: copy, withIntermediateDirectories: true)
        try Data(YAMLWriter.yaml([node]).utf8).write(to: URL(filePath: copy + "/" + Kustomization.names[0]))
      }
    } catch {
      try? files.removeItem(atPath: directory)
      throw InputError(
        "a modernised copy of \(tree.root) cannot be written to \(directory): \(error)",
        remedy: "make room there, or set TMPDIR to another directory")
    }
  }

  func remove() { try? FileManager.default.removeItem(atPath: directory) }
}
