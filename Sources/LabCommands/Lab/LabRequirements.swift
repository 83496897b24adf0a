import ControlAPI
import Glibc

/// The lab's requirements of the machine.
enum LabRequirements {
  /// Programs, and the Debian packages that contain them.
  static let programs = [
    ("runc", "runc"), ("buildah", "buildah"), ("nft", "nftables"), ("ip", "iproute2"), ("nsenter", "util-linux"),
    ("openssl", "openssl"),
    ("busybox", "busybox-static"),
  ]

  /// Checks for root.
  /// - Parameter verb: the command to run as root.
  /// - Throws: `.forbidden` without root.
  static func checkRoot(_ verb: String, uid: UInt32 = geteuid()) throws(ControlError) {
    guard uid != 0 else { return }
    throw ControlError(
      .forbidden, "the lab needs root: it makes network namespaces and containers",
      remedy: "run `sudo devtunnel lab \(verb)`")
  }

  /// Checks that the programs are installed.
  /// - Throws: `.failed`, with each missing program and the command that installs all of them.
  static func checkPrograms(in directories: [String] = directories) throws(ControlError) {
    let missing = programs.filter { program in !directories.contains { access("\($0)/\(program.0)", X_OK) == 0 } }
    guard !missing.isEmpty else { return }
    throw ControlError(
      .failed, "the lab needs programs that are not installed: \(missing.map(\.0).joined(separator: ", "))",
      remedy: "apt-get install \(missing.map(\.1).joined(separator: " "))")
  }

  static let directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
}
