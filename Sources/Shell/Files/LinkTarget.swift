import Workloads

/// A volume's link as it may be on the host: its target must be inside the volume, or it is left out.
///
/// In the Pod a link is resolved in the container's own tree. Here the same text would point into this machine's: a
/// server of files from the volume, or a program that writes to a log there, would work on the user's own.
enum LinkTarget {
  /// Returns the target to write; nil for a link that leaves the volume.
  /// - Parameters:
  ///   - target: as the Pod has it.
  ///   - depth: the number of the volume's directories that the link is in; 0 for its root.
  ///   - mount: the volume's path in the Pod: an absolute target below it is made relative.
  static func inside(_ target: [UInt8], depth: Int, mount: MountPath) -> [UInt8]? {
    let slash = UInt8(ascii: "/")
    let isAbsolute = target.first == slash
    var parts = target.split(separator: slash).map(Array.init).filter { $0 != Array(".".utf8) }
    let up = Array("..".utf8)
    var climbs = parts.prefix { $0 == up }.count
    // Behind a name that is itself a link, ".." would mean the parent of its target.
    guard !parts.isEmpty || !isAbsolute, !parts.dropFirst(climbs).contains(up) else { return nil }
    if isAbsolute {
      let root = mount.parts.map { Array($0.utf8) }
      guard climbs == 0, parts.starts(with: root) else { return nil }
      climbs = depth
      parts = Array(repeating: up, count: depth) + parts.dropFirst(root.count)
    }
    guard climbs <= depth else { return nil }
    return parts.isEmpty ? Array(".".utf8) : Array(parts.joined(separator: [slash]))
  }
}
