import Workloads

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
          missing: missing.count)
      }
      missing.insert(existing.removeLast(), at: 0)
    }
    return VolumePlace(path: path, resolved: path, isDirectory: isDirectory, missing: path.parts.count)
  }

  /// Returns the reason why a path cannot be a mount point for anyone; nil if it can. The helper makes it in the lowest
  /// folder of the path that exists, and rebuilds that one for it: an obstacle there would stop the shell.
  static func obstacle(_ path: MountPath) -> String? {
    var folder = "/"
    for part in path.parts {
      let place = (folder == "/" ? "" : folder) + "/" + part
      var status = stat()
      guard lstat(place, &status) == 0 else {
        // A name that is too long, or a folder that may not be searched.
        if errno != ENOENT { return "\(place) cannot be looked at: \(String(cString: strerror(errno)))" }
        return obstacle(toBuilding: folder)
      }
      if place == path.text { break }
      let isLink = status.st_mode & S_IFMT == S_IFLNK
      if isLink, stat(place, &status) != 0 {
        return errno == ENOENT
          ? "\(place) is a link to what does not exist here"
          : "the link \(place) cannot be followed: \(String(cString: strerror(errno)))"
      }
      guard status.st_mode & S_IFMT == S_IFDIR else {
        return isLink ? "\(place) is a link to what is no folder" : "\(place) is no folder"
      }
      folder = place
    }
    return "\(path.text) is this machine's"
  }

  /// Returns the reason why a folder cannot be rebuilt with all its entries; nil if it can.
  private static func obstacle(toBuilding folder: String) -> String? {
    // The folder is rebuilt inside the namespace: files that the command makes there would exist in the shell only.
    if geteuid() != 0, access(folder, W_OK) == 0 { return "\(folder) is yours to write to" }
    guard let entries = opendir(folder) else {
      return "\(folder) cannot be read: \(String(cString: strerror(errno)))"
    }
    defer { closedir(entries) }
    guard access(folder, X_OK) == 0 else { return "\(folder) may not be searched" }
    var count = 0
    while readdir(entries) != nil {
      count += 1
      // `.` and `..` are among them.
      if count > mostEntries + 2 { return "\(folder) has more than \(mostEntries) entries" }
    }
    return nil
  }

  /// The helper binds no more entries into a folder that it rebuilds.
  private static let mostEntries = 4096

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
