import CLinux
import Glibc

/// A container's own view of its image: an overlay whose upper layer goes with the container.
struct RootFileSystem: Sendable {
  /// The container's directory; `rootfs`, `upper` and `work` are in it.
  let directory: String
  var path: String { directory + "/rootfs" }

  /// Mounts the overlay, or copies the image where the kernel or the directory's file system refuses one.
  func make(from image: String) async throws {
    for name in ["rootfs", "upper", "work"] { try Files.makeDirectory(directory + "/" + name) }
    let options =
      """
      lowerdir=\(Self.escaped(image)),upperdir=\(Self.escaped(directory + "/upper")),\
      workdir=\(Self.escaped(directory + "/work"))
      """
    guard clinux_ns_mount_overlay(path, options) < 0 else { return }
    try await Command("cp", package: "coreutils")(["-a", image + "/.", path])
  }

  /// Gives a held entry a path of the node's own, for runc to mount: the kernel takes no descriptor of another mount
  /// namespace, and the container is in one by then.
  /// - Throws: `systemCall`.
  func bind(_ entry: HeldEntry, _ number: Int) throws -> String {
    let target = directory + "/" + Self.bound + String(number)
    if entry.isDirectory { try Files.makeDirectory(target) } else { try Files.write("", to: target) }
    // MS_BIND, which glibc shows to C alone.
    guard mount(entry.path, target, nil, 0x1000, nil) == 0 else {
      throw LabNodeError(.systemCall, "cannot mount a subPath: \(Files.reason(errno))")
    }
    return target
  }

  private static let bound = "bound-"

  func remove() {
    _ = clinux_ns_unmount(path)
    for name in Files.names(in: directory) where name.hasPrefix(Self.bound) {
      // Behind a mount that stays are the volume's files: leave them. The clean-up of the node tries again.
      let result = clinux_ns_unmount(directory + "/" + name)
      guard result == 0 || result == -EINVAL else { return }
    }
    Files.remove(directory)
  }

  /// In an overlay's options a colon and a comma separate.
  private static func escaped(_ path: String) -> String {
    path.replacing("\\", with: "\\\\").replacing(":", with: "\\:").replacing(",", with: "\\,")
  }
}
