import Agents

/// A link of a volume, as it may be on the host: it leads to somewhere inside the volume, or is left out.
///
/// In the Pod a link is resolved in the container's own tree. Here the same text would lead into this machine's: a
/// server of files from the volume, or a program that writes to a log there, would work on the person's own.
enum LinkTarget {
  /// The target to write; nil for a link that leads out.
  /// - Parameters:
  ///   - target: as the Pod has it.
  ///   - depth: how many directories of the volume the link is in; 0 for its root.
  ///   - mount: where the Pod has the volume: an absolute target below it is made relative.
  static func inside(_ target: [UInt8], depth: Int, mount: MountPath) -> [UInt8]? {
    let slash = UInt8(ascii: "/")
    let isAbsolute = target.first == slash
    var parts = target.split(separator: slash).map(Array.init).filter { $0 != Array(".".utf8) }
    let up = Array("..".utf8)
    var climbs = parts.prefix { $0 == up }.count
    // Behind a name, ".." would be taken of wherever that name leads, if it is a link itself.
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
