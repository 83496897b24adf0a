import CInotifyTools

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// libinotifytools. Its state belongs to the process, it is not thread-safe, and it returns static storage:
/// `InotifyHub` holds the only value, behind a lock, and every event is copied here.
///
/// Its caller must handle, as of 3.22:
/// - It never forgets a watch that the kernel dropped (with its directory), and finds watches by name,
///   so each name is used once.
/// - It hides its descriptor, but its own waiting is in whole seconds only, and children would inherit it.
struct Inotify: ~Copyable {
  /// Becomes readable when there are events.
  let descriptor: Int32
  /// The number of names used: see `watch`.
  private var serial: UInt32 = 0

  struct Event {
    var watch: Int32
    /// IN_…
    var mask: UInt32
    /// Empty for the watched directory itself.
    var name: String
  }

  init() throws(WatchError) {
    let before = Self.instances()
    guard inotifytools_initialize() == 1 else { throw .watching(nil, code: inotifytools_error(), watches: 0) }
    let new = Self.instances().subtracting(before)
    guard let descriptor = new.first, new.count == 1, descriptor < FD_SETSIZE else {
      inotifytools_cleanup()
      throw WatchError(
        .system, "inotify's descriptor is unknown, or beyond \(FD_SETSIZE), which libinotifytools cannot handle",
        remedy: "start again")
    }
    _ = cinotify_close_on_exec(descriptor)
    self.descriptor = descriptor
  }

  /// Returns the descriptors of this process that are inotify instances.
  private static func instances() -> Set<Int32> {
    var found: Set<Int32> = []
    _ = walkTree("/proc/self/fd", enter: \.isEmpty) { name, _ in
      if let number = Int32(name), linkTarget("/proc/self/fd/\(name)")?.contains("inotify") == true {
        found.insert(number)
      }
    }
    return found
  }

  /// Ends the instance and all its watches. `next()` must have emptied the library's buffer, which would outlive this.
  consuming func end() { inotifytools_cleanup() }

  /// - Returns: the watch descriptor, which is the old one for a directory that is watched already; nil
  ///   if there is no directory.
  mutating func watch(_ directory: String, watches: Int) throws(WatchError) -> Int32? {
    // A name of its own for each watch: the same directory with the serial number in slashes and dots.
    var name = directory == "/" ? "/" : directory + "/"
    for bit in 0..<(32 - serial.leadingZeroBitCount) { name += serial >> bit & 1 == 0 ? "/" : "./" }
    serial += 1
    guard inotifytools_watch_file(name, cinotify_directory_events()) == 1 else {
      let code = inotifytools_error()
      if code == ENOENT || code == ENOTDIR || code == ELOOP { return nil }
      throw .watching(directory, code: code, watches: watches)
    }
    let watch = inotifytools_wd_from_filename(name)
    return watch < 0 ? nil : watch
  }

  mutating func unwatch(_ watch: Int32) { inotifytools_remove_watch_by_wd(watch) }

  /// Returns the next event, or nil if none waits.
  mutating func next() -> Event? {
    guard let event = inotifytools_next_events(0, 1) else { return nil }
    return Event(watch: event.pointee.wd, mask: event.pointee.mask, name: String(cString: cinotify_name(event)))
  }
}

extension WatchError {
  /// The reason why inotify gives no instance or watch.
  static func watching(_ directory: String?, code: Int32, watches: Int) -> WatchError {
    switch code {
    case ENOSPC:
      let limit = inotifytools_get_max_user_watches()
      return WatchError(
        .limit,
        "the kernel gives no more inotify watches: fs.inotify.max_user_watches is \(limit) for all programs of a user, "
          + "and \(watches) directories are watched here",
        file: directory,
        remedy:
          "raise it with 'sudo sysctl fs.inotify.max_user_watches=\(max(524_288, 2 * limit))' "
          + "(to keep it, write that into /etc/sysctl.d/60-inotify.conf), "
          + "or ignore directories that no build needs in .dockerignore"
      )
    case EMFILE:
      let limit = inotifytools_get_max_user_instances()
      return WatchError(
        .limit,
        "the kernel gives no more inotify instances: fs.inotify.max_user_instances is \(limit) "
          + "for all programs of a user, or this process has too many open files",
        remedy:
          "raise it with 'sudo sysctl fs.inotify.max_user_instances=\(max(512, 2 * limit))', "
          + "or end other programs that watch files"
      )
    default:
      return WatchError(
        .system, "it cannot be watched: \(String(cString: strerror(code)).lowercased())", file: directory,
        remedy: code == EACCES ? "give yourself the right to read it" : "")
    }
  }
}
