import Workloads

/// The copied volumes that are at their own paths too. One that is mounted inside another comes along with that.
struct VolumeBinds {
  /// A volume that was copied.
  struct Copied {
    var mount: VolumeMount
    var isDirectory: Bool
  }

  private(set) var paths: [MountPath] = []
  private(set) var warnings: [String] = []

  /// - Parameters:
  ///   - copied: outer ones first.
  ///   - obstacle: returns the reason why a path cannot be a mount point here; nil if it can.
  ///   - look: looks at this machine's path.
  init(
    _ copied: [Copied], person: VolumePlace.Person, obstacle: (MountPath) -> String?,
    look: (_ path: MountPath, _ isDirectory: Bool) -> VolumePlace
  ) {
    var bound: [VolumePlace] = []
    var guarded: [String] = []
    for volume in copied {
      guard let path = try? MountPath(volume.mount.path), !paths.contains(where: path.isWithin) else { continue }
      func isAlone(_ why: String) {
        warnings.append("volume \(volume.mount.name) is at $DEVTUNNEL_ROOT\(path.text) alone: \(why)")
      }
      if let obstacle = obstacle(path) {
        isAlone(obstacle)
        continue
      }
      let place = look(path, volume.isDirectory)
      if let reason = place.guarded(for: person) {
        guarded.append("\(path.text) (\(reason))")
      } else if let outer = bound.first(where: { place.resolved.isWithin($0.resolved) }) {
        // It is behind a link of this machine: the helper would find something at its path.
        isAlone("on this machine it would be inside \(outer.path.text)")
      } else {
        bound.append(place)
        paths.append(path)
      }
    }
    if !guarded.isEmpty {
      warnings.append(
        "these volumes are below $DEVTUNNEL_ROOT alone, since at their own paths they could run code here: "
          + "\(guarded.joined(separator: ", ")); "
          + "--volume-at PATH puts one there too")
    }
  }
}
