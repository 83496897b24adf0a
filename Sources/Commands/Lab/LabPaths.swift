import ControlAPI
import Glibc

/// The paths of a lab's files: one directory, which is removed with the lab.
struct LabPaths: Sendable {
  let name: String
  let directory: String
  /// The other user who may read the kubeconfig: the one who called sudo.
  let owner: Owner?

  struct Owner: Sendable, Equatable {
    var uid: UInt32
    var gid: UInt32
  }

  /// Finds the paths below the user's state directory; under sudo, that of the user who called it.
  init(name: String, environment: [String: String], isRoot: Bool = geteuid() == 0) {
    self.name = name
    var environment = environment
    var owner: Owner?
    if isRoot, let uid = environment["SUDO_UID"].flatMap({ UInt32($0) }), uid != 0, let entry = getpwuid(uid),
      let home = entry.pointee.pw_dir
    {
      owner = Owner(uid: uid, gid: entry.pointee.pw_gid)
      environment["HOME"] = String(cString: home)
    }
    self.owner = owner
    directory = ControlPaths(environment: environment).state + "/lab-" + name
  }

  /// Written once the lab answers.
  var kubeconfig: String { directory + "/kubeconfig" }
  var log: String { directory + "/lab.log" }
  /// Held by the lab's process as long as it lives.
  var lock: String { directory + "/lab.lock" }
  var record: String { directory + "/lab.json" }
  /// The state of `LabNode`, which its clean-up removes.
  var node: String { directory + "/node" }

  var exists: Bool { access(directory, F_OK) == 0 }

  /// Makes the directory and those above it, mode 0700.
  func prepare() throws(ControlError) {
    var made = ""
    for part in directory.split(separator: "/") {
      made += "/" + part
      if mkdir(made, 0o700) == 0 {
        give(made)
      } else if access(made, F_OK) != 0 {
        throw ControlError(.failed, "cannot make the directory \(made): \(String(cString: strerror(errno)))")
      }
    }
  }

  /// Lets the owner read a file that the lab wrote.
  func give(_ path: String) {
    if let owner { lchown(path, owner.uid, owner.gid) }
  }
}
