import CLinux

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

  func remove() {
    _ = clinux_ns_unmount(path)
    Files.remove(directory)
  }

  /// In an overlay's options a colon and a comma separate.
  private static func escaped(_ path: String) -> String {
    path.replacing("\\", with: "\\\\").replacing(":", with: "\\:").replacing(",", with: "\\,")
  }
}
