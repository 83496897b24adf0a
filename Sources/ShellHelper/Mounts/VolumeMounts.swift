import CShell
import Glibc

/// Files and folders of the Pod at their own paths. The host's own are hidden only if the plan says so.
struct VolumeMounts {
  var binds: [ShellPlan.Bind]

  func mount() throws(ShellError) {
    var rebuilt = RebuiltDirectories()
    for bind in binds {
      let step = "bind \(bind.source) at \(bind.target)"
      let sourceKind = try check(cshell_kind(bind.source, 1, nil, nil), "look at \(bind.source)")
      let targetKind = cshell_kind(bind.target, 1, nil, nil)
      if targetKind >= 0 {
        guard bind.over else {
          throw ShellError(step, reason: "\(bind.target) exists on this host", advice: "bind-over in the plan hides it")
        }
        let folder = Int32(UInt8(ascii: "d"))
        guard (sourceKind == folder) == (targetKind == folder) else {
          throw ShellError(step, reason: "one is a folder and the other is not")
        }
      } else {
        try rebuilt.makeMountPoint(bind.target, folder: sourceKind == Int32(UInt8(ascii: "d")))
      }
      // Bind the whole tree: a part that hides a mount of the host may not be bound alone (mount_namespaces(7)).
      try check(cshell_bind(bind.source, bind.target, 1), step, advice: Obstacle.advice(errno: EPERM))
    }
  }
}
