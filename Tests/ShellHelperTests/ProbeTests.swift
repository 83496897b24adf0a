import Foundation
import Testing

@testable import ShellHelper

struct ProbeTests {
  @Test("Every step is ok if shells are allowed, and nothing is left", .enabled(if: ShellFixture.isAllowed))
  func allowed() throws {
    let fixture = try ShellFixture()
    let result = try fixture.start(["probe"]).result()
    #expect(result.output == "ok namespaces\nok network\nok nftables\nok sockets\nok connection\nok resolv.conf\n")
    #expect(result.status == 0)
  }

  /// user.max_user_namespaces counts for each user namespace: in one where it is 0, none can be made.
  @Test("Names the switch if user namespaces are forbidden", .enabled(if: ShellFixture.isAllowed))
  func forbidden() throws {
    let fixture = try ShellFixture()
    let script =
      """
      echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --inh-caps=-all --bounding-set=-all \
      \(fixture.path("devtunnel-shell")) probe
      """
    let shell = try RunningShell(
      program: "/usr/bin/unshare", arguments: ["-Ur", "sh", "-c", script], user: ShellFixture.user)
    let result = shell.result()
    #expect(result.status == 1, "\(result)")
    #expect(result.output.hasPrefix("fail namespaces"), "\(result)")
    #expect(result.output.contains("user.max_user_namespaces is 0"), "\(result)")
  }

  @Test("Without its arguments the program says how it is used")
  func usage() throws {
    let fixture = try ShellFixture()
    for arguments in [[], ["run"], ["run", "plan"], ["run", "plan", "command"], ["probe", "more"], ["other"]] {
      let result = try fixture.start(arguments).result()
      #expect(result.status == 125)
      #expect(result.errors.hasPrefix("usage: devtunnel-shell run PLAN -- COMMAND"))
    }
  }

  @Test(
    "Distinguishes each obstacle from the others",
    arguments: [
      (
        ["user/max_user_namespaces": 0, "kernel/unprivileged_userns_clone": 0], false, ENOSPC,
        "user.max_user_namespaces is 0"
      ),
      (["kernel/unprivileged_userns_clone": 0], false, EPERM, "kernel.unprivileged_userns_clone is 0"),
      (
        ["user/max_user_namespaces": 100, "kernel/apparmor_restrict_unprivileged_userns": 1], false, EACCES,
        "templates/apparmor-devtunnel-shell"
      ),
      (["kernel/apparmor_restrict_unprivileged_userns": 0], true, EPERM, "this is a chroot"),
      ([:], false, ENOSPC, "too many namespaces"),
      ([:], false, EINVAL, "built without user or network namespaces"), ([:], false, EPERM, "seccomp"),
    ] as [([String: Int], Bool, Int32, String)])
  func obstacle(settings: [String: Int], isChrooted: Bool, errno: Int32, what: String) {
    #expect(Obstacle.find(errno: errno, setting: { settings[$0] }, isChrooted: isChrooted).contains(what))
  }
}
