import CShell
import Glibc

/// Makes mount points that the host lacks and does not allow: the folder above is rebuilt as a tmpfs, with every entry
/// of the old one bound in. The host's own folder is not touched.
struct RebuiltDirectories {
  /// Devices of the tmpfs made here, in which a folder can simply be made.
  private var devices: Set<UInt64> = []

  /// More entries would make a shell slow to start.
  private static let mostEntries = 4096
  private static let folder = Int32(UInt8(ascii: "d"))

  /// Makes the folder or the empty file at `path`, which does not exist.
  mutating func makeMountPoint(_ path: String, folder isFolder: Bool) throws(ShellError) {
    let step = "make the mount point \(path)"
    let names = path.split(separator: "/").map(String.init)
    var existing = ""
    var missing = names[...]
    while missing.count > 1, let name = missing.first, cshell_kind(existing + "/" + name, 1, nil, nil) == Self.folder {
      existing += "/" + name
      missing = missing.dropFirst()
    }
    if let name = missing.first, cshell_kind(existing + "/" + name, 0, nil, nil) >= 0 {
      // A file, or a link to what does not exist: a file that is made through it would be the host's.
      throw ShellError(step, reason: "\(existing)/\(name) exists on this host, and is no folder")
    }
    let ancestor = existing.isEmpty ? "/" : existing
    var device: UInt64 = 0
    try check(cshell_kind(ancestor, 1, &device, nil), step)
    if !devices.contains(device) {
      // The user's new files would be in the tmpfs, and lost with it.
      if getuid() != 0, access(ancestor, W_OK) == 0 {
        throw ShellError(
          step, reason: "\(ancestor) is a folder you write to, and is not rebuilt",
          advice: "make \(path) yourself, or leave it out")
      }
      if ancestor == "/" { try rebuildRoot(step) } else { try rebuild(ancestor, step) }
      try check(cshell_kind(ancestor, 1, &device, nil), step)
      devices.insert(device)
    }
    for (index, name) in missing.enumerated() {
      existing += "/" + name
      let isLast = index == missing.count - 1
      if isFolder || !isLast { try Self.makeFolder(existing, step) } else { try Self.makeFile(existing, step) }
    }
  }

  // MARK: One folder

  private func rebuild(_ path: String, _ step: String) throws(ShellError) {
    let old = try check(cshell_open_path(path), step)
    defer { close(old) }
    // The old folder stays reachable through its descriptor.
    try check(cshell_mount_tmpfs(path), step, advice: Obstacle.advice(errno: EPERM))
    try fill(path, from: "/proc/self/fd/\(old)", step)
  }

  /// Builds a new root and makes it the root, since the present one cannot be mounted over.
  private func rebuildRoot(_ step: String) throws(ShellError) {
    let stage = try Self.stage(step)
    // Clone it first: once the folder is mounted over, a bind would include that mount.
    let staged = try check(cshell_clone_tree(stage), step)
    defer { close(staged) }
    try check(cshell_mount_tmpfs(stage), step, advice: Obstacle.advice(errno: EPERM))
    try fill(stage, from: "/", step, less: stage)
    try check(cshell_attach_tree(staged, stage + stage), step)
    try check(cshell_pivot(stage), step)
  }

  /// Returns any folder of the root: its contents are bound in like the rest.
  private static func stage(_ step: String) throws(ShellError) -> String {
    for path in ["/mnt", "/srv", "/media", "/opt", "/tmp"] where cshell_kind(path, 0, nil, nil) == folder {
      return path
    }
    throw ShellError(step, reason: "the root has none of /mnt, /srv, /media, /opt and /tmp to build a new root in")
  }

  private func fill(_ new: String, from old: String, _ step: String, less stage: String? = nil) throws(ShellError) {
    for name in try Self.entries(old, step) {
      let source = old == "/" ? "/" + name : old + "/" + name
      let target = new + "/" + name
      switch cshell_kind(source, 0, nil, nil) {
      case Self.folder:
        try Self.makeFolder(target, step)
        if source == stage { continue }
        try check(cshell_bind(source, target, 1), "bind \(source) at \(target)")
      case Int32(UInt8(ascii: "l")): try Self.copyLink(source, target, step)
      case let kind where kind >= 0:
        try Self.makeFile(target, step)
        try check(cshell_bind(source, target, 1), "bind \(source) at \(target)")
      // Gone meanwhile.
      default: break
      }
    }
  }

  private static func entries(_ path: String, _ step: String) throws(ShellError) -> [String] {
    guard let stream = opendir(path) else { throw ShellError(step, errno: Glibc.errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
      guard names.count <= mostEntries else {
        throw ShellError(step, reason: "\(path) has more than \(mostEntries) entries")
      }
    }
    return names
  }

  private static func makeFolder(_ path: String, _ step: String) throws(ShellError) {
    guard mkdir(path, 0o755) == 0 || Glibc.errno == EEXIST else { throw ShellError(step, errno: Glibc.errno) }
  }

  private static func makeFile(_ path: String, _ step: String) throws(ShellError) {
    let fd = creat(path, 0o644)
    guard fd >= 0 else { throw ShellError(step, errno: Glibc.errno) }
    close(fd)
  }

  private static func copyLink(_ source: String, _ target: String, _ step: String) throws(ShellError) {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    guard readlink(source, &buffer, buffer.count - 1) >= 0, symlink(buffer, target) == 0 else {
      throw ShellError(step, errno: Glibc.errno)
    }
  }
}
