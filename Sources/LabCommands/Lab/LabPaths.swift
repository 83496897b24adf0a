import ControlAPI
import FoundationEssentials
import Glibc

/// The paths of a lab's files: one directory, which is removed with the lab.
///
/// The lab runs as root, and root kills, unmounts and removes what the files say. So the directory and all above it
/// belong to root, also under sudo: the user who called it gets the kubeconfig and the log, and may read the record.
struct LabPaths: Sendable {
  let name: String
  let directory: String
  /// The other user who may read kubeconfig and log: the one who called sudo.
  let owner: Owner?

  struct Owner: Sendable, Equatable {
    var uid: UInt32
    var gid: UInt32
  }

  /// The directory of all users' labs. It is on a disk: images of any size are built there.
  static let shared = "/var/lib/devtunnel-lab"

  /// True if the files are below `shared`, and not where `XDG_STATE_HOME` says.
  private let isShared: Bool

  /// Finds the paths: below `shared`, in a directory of the user's, which is the one who called sudo: so a user finds
  /// them without root too. Root itself may name another place by `XDG_STATE_HOME`. `HOME` does not count: it may be
  /// another user's, as under `su -m`, and then it is nothing for root to write to.
  init(
    name: String, environment: [String: String], isRoot: Bool = geteuid() == 0, uid: UInt32 = getuid(),
    shared: String = LabPaths.shared
  ) {
    self.name = name
    var owner: Owner?
    if isRoot, let uid = environment["SUDO_UID"].flatMap({ UInt32($0) }), uid != 0, let entry = getpwuid(uid) {
      owner = Owner(uid: uid, gid: entry.pointee.pw_gid)
    }
    self.owner = owner
    if isRoot, owner == nil, let state = environment["XDG_STATE_HOME"], state.utf8.first == UInt8(ascii: "/") {
      isShared = false
      directory = "\(state)/devtunnel/lab-\(name)"
    } else {
      isShared = true
      directory = "\(shared)/\(owner?.uid ?? (isRoot ? 0 : uid))/lab-\(name)"
    }
  }

  /// A copy for people, written once the lab answers. It is its owner's to change, and so nothing for root to read: a
  /// kubeconfig may name programs to run.
  var kubeconfig: String { directory + "/kubeconfig" }
  /// The API server's own files, its keys and its kubeconfig among them, for root alone.
  var server: String { directory + "/api" }
  /// The kubeconfig that the caller of a command may trust.
  var trustedKubeconfig: String { owner == nil && geteuid() != 0 ? kubeconfig : server + "/kubeconfig" }
  var log: String { directory + "/lab.log" }
  /// Held by the lab's process as long as it lives. Nobody else can open it, and so nobody else can hold it.
  var lock: String { directory + "/lab.lock" }
  var record: String { directory + "/lab.json" }
  /// The state of `LabNode`, which its clean-up removes.
  var node: String { directory + "/node" }

  var exists: Bool { access(directory, F_OK) == 0 }

  /// Makes the directory and those above it. The user who called sudo may pass through them, and write to none.
  /// - Throws: `.refused` where somebody else may write to one of them.
  func prepare() throws(ControlError) {
    // Nothing is made where others decide what a path leads to.
    try checkOwners()
    var made = ""
    for part in directory.split(separator: "/") {
      made += "/" + part
      // Other users' labs are in the shared directory too.
      let mode: mode_t = owner != nil || isShared && made != directory ? 0o755 : 0o700
      if mkdir(made, mode) == 0 {
        // The umask may have cleared bits.
        chmod(made, mode)
      } else if access(made, F_OK) != 0 {
        throw ControlError(.failed, "cannot make the directory \(made): \(String(cString: strerror(errno)))")
      }
    }
    try checkOwners()
  }

  /// Refuses a directory that somebody else could have prepared or could change: root would do there what they want.
  /// Of a directory that does not exist yet, those above it count.
  /// - Throws: `.refused`, naming the directory that they may change.
  func checkOwners() throws(ControlError) {
    let parts = directory.split(separator: "/").map(String.init)
    func place(_ count: Int, of parts: [String]) -> String { "/" + parts.prefix(count).joined(separator: "/") }
    let existing = (0...parts.count).last { access(place($0, of: parts), F_OK) == 0 } ?? 0
    // Both as it is written and as it is: a link is as safe as the directory that it is in.
    let written = place(existing, of: parts)
    let real = realpath(written, nil)
    defer { free(real) }
    for path in [written, real.map { String(cString: $0) } ?? written] {
      let names = path.split(separator: "/").map(String.init)
      for count in 0...names.count {
        let place = place(count, of: names)
        var found = stat()
        guard stat(place, &found) == 0 else {
          throw ControlError(.failed, "cannot look at \(place): \(String(cString: strerror(errno)))")
        }
        let isOwn = found.st_uid == 0 || found.st_uid == geteuid()
        let isWritable = found.st_mode & S_IWOTH != 0 || found.st_mode & S_IWGRP != 0 && found.st_gid != 0
        // In a directory with the sticky bit others cannot rename what is not theirs.
        let isLab = place == path && existing == parts.count
        guard isOwn, !isWritable || found.st_mode & S_ISVTX != 0 && !isLab else { throw refusal(place) }
      }
    }
  }

  private func refusal(_ place: String) -> ControlError {
    let message = "the lab runs as root, and others may change \(place)"
    guard isShared else {
      return ControlError(
        .refused, message,
        remedy: "unset XDG_STATE_HOME, which names it: the lab's files are then in \(Self.shared)")
    }
    // Others may have prepared what is in a directory of the labs: it must not become trusted by a new owner alone.
    let top = directory.split(separator: "/").dropLast(2).joined(separator: "/")
    let isOfLabs = place.dropFirst() == top || place.dropFirst().hasPrefix(top + "/")
    return ControlError(
      .refused, message,
      remedy: isOfLabs
        ? "remove it: rm -r \(place)" : "give it to root alone: chown root:root \(place) && chmod go-w \(place)")
  }

  /// Gives the owner a copy of the server's kubeconfig.
  func publishKubeconfig() throws(ControlError) {
    let fresh = kubeconfig + ".new"
    unlink(fresh)
    let file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .system("cannot make \(fresh)", -Int(errno)) }
    defer { close(file) }
    var rest = (FileManager.default.contents(atPath: server + "/kubeconfig") ?? Data())[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else { throw .system("cannot write \(fresh)", -Int(errno)) }
      rest = rest.dropFirst(max(0, count))
    }
    if let owner { fchown(file, owner.uid, owner.gid) }
    guard rename(fresh, kubeconfig) == 0 else { throw .system("cannot put \(kubeconfig) in its place", -Int(errno)) }
  }

  /// Lets the owner read a file that the lab wrote.
  func give(_ path: String) {
    if let owner { lchown(path, owner.uid, owner.gid) }
  }

  /// Removes the two directories that `prepare` made above in the shared place, where no other lab is in them.
  func removeEmptyParents() {
    guard isShared else { return }
    let parts = directory.split(separator: "/")
    for count in 1...2 where parts.count > count {
      guard rmdir("/" + parts.dropLast(count).joined(separator: "/")) == 0 else { return }
    }
  }
}
