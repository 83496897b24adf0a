import ControlAPI
import Glibc

/// What a lab needs of the machine.
enum LabRequirements {
  /// Programs, and the Debian packages that have them.
  static let programs = [
    ("runc", "runc"), ("buildah", "buildah"), ("nft", "nftables"), ("ip", "iproute2"), ("nsenter", "util-linux"),
    ("openssl", "openssl"),
    ("busybox", "busybox-static"),
  ]

  /// - Parameter verb: what to run as root.
  /// - Throws: `.forbidden` without root.
  static func checkRoot(_ verb: String, uid: UInt32 = geteuid()) throws(ControlError) {
    guard uid != 0 else { return }
    throw ControlError(
      .forbidden, "the lab needs root: it makes network namespaces and containers",
      remedy: "run `sudo devtunnel lab \(verb)`")
  }

  /// - Throws: `.failed`, naming each program that is missing and how to install all of them.
  static func checkPrograms(in directories: [String] = directories) throws(ControlError) {
    let missing = programs.filter { program in !directories.contains { access("\($0)/\(program.0)", X_OK) == 0 } }
    guard !missing.isEmpty else { return }
    throw ControlError(
      .failed, "the lab needs programs that are not installed: \(missing.map(\.0).joined(separator: ", "))",
      remedy: "apt-get install \(missing.map(\.1).joined(separator: " "))")
  }

  static let directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
}
