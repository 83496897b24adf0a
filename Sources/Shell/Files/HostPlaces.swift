import Agents

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The state of this machine at the paths of volumes.
enum HostPlaces {
  /// Looks at a path.
  static func look(_ path: MountPath, isDirectory: Bool) -> VolumePlace {
    var existing = path.parts[...]
    var missing: [String] = []
    while !existing.isEmpty {
      if let real = real("/" + existing.joined(separator: "/")) {
        let text = real + (missing.isEmpty ? "" : "/" + missing.joined(separator: "/"))
        return VolumePlace(
          path: path, resolved: (try? MountPath(text)) ?? path, isDirectory: isDirectory,
          parentExists: missing.count <= 1)
      }
      missing.insert(existing.removeLast(), at: 0)
    }
    return VolumePlace(path: path, resolved: path, isDirectory: isDirectory, parentExists: path.parts.count == 1)
  }

  /// Returns the reason why a path cannot be a mount point for anyone; nil if it can.
  static func obstacle(_ path: MountPath) -> String? {
    var status = stat()
    if lstat(path.text, &status) == 0 { return "\(path.text) is this machine's" }
    var parent = path.parts[...]
    var folder = "/"
    repeat {
      parent = parent.dropLast()
      folder = "/" + parent.joined(separator: "/")
    } while !parent.isEmpty && lstat(folder, &status) != 0
    // The folder is rebuilt inside the namespace: files that the command makes there would exist in the shell only.
    if geteuid() != 0, access(folder, W_OK) == 0 { return "\(folder) is yours to write to" }
    return nil
  }

  /// Returns the user's own directories, as written and with links followed.
  static func own(_ directories: [String]) -> [MountPath] {
    directories.filter { $0.hasPrefix("/") }.flatMap { [$0, real($0) ?? $0] }.compactMap { try? MountPath($0) }
  }

  /// Resolves links; nil if the path does not exist.
  private static func real(_ path: String) -> String? {
    guard let pointer = realpath(path, nil) else { return nil }
    defer { free(pointer) }
    return String(cString: pointer)
  }
}
