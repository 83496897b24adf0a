import Workloads

/// The decision whether a volume may be at its own path in a shell, beside its copy below `$DEVTUNNEL_ROOT`.
///
/// Anyone who may change the workload chooses path and contents, so nothing is put unasked where programs of this
/// machine look for code, settings or certificates. The place decides, even if nothing is there yet: programs read
/// `/etc/NAME` for many names that most machines lack (`/etc/OpenCL/vendors` names libraries, `/etc/gitconfig`
/// programs), so a missing folder may still be read.
struct VolumePlace: Sendable, Hashable {
  /// As the Pod has it.
  var path: MountPath
  /// The same with the host's links followed, as far as it exists: `/run/secrets` for `/var/run/secrets`.
  var resolved: MountPath
  var isDirectory: Bool
  /// The number of its last parts that this machine does not have.
  var missing: Int
  /// True if its parent folder is this machine's.
  var parentExists: Bool { missing <= 1 }

  /// The user's choices and directories.
  struct Person: Sendable, Hashable {
    /// `--volume-at`: these and all below them.
    var allowed: [MountPath] = []
    /// The home directory, the working directory and those of PATH.
    var own: [MountPath] = []
  }

  /// Returns the reason why nothing is put there unasked; nil if it may be.
  func guarded(for person: Person) -> String? {
    if Self.secrets.contains(where: path.isWithin), Self.secrets.contains(where: resolved.isWithin) { return nil }
    if person.allowed.contains(where: path.isWithin) { return nil }
    for place in [path, resolved] {
      if let rule = Self.rules.first(where: { $0.covers(place) }) { return rule.reason }
      // A volume above one of them counts too, since it would contain it.
      if person.own.contains(where: { place.isWithin($0) || $0.isWithin(place) }) {
        return "your home directory, the working directory, or one of PATH"
      }
      // The first missing part is in a folder of this machine, which may be above the working directory. The parts
      // below it are in a folder that is above none.
      if place.parts.dropLast(max(missing - 1, 0)).contains(where: Self.isLookedFor) { return Self.settings }
    }
    // Tools search each folder from the working directory up; a missing folder is above none.
    return parentExists && !isDirectory ? Self.settings : nil
  }

  private static let settings = "tools take settings from there"

  /// Checks for names that tools look for in every folder above the working directory.
  private static func isLookedFor(_ name: String) -> Bool {
    name.hasPrefix(".") || ["node_modules", "_darcs", "_opam", "CVS", "SCCS"].contains(name)
  }
  /// The directories that Kubernetes itself, and Docker, use for data; as written and as resolved.
  private static let secrets = paths(["/var/run/secrets", "/run/secrets"])

  /// Places by their beginning; a part that is `*` means one name, `lib*` each name that begins so.
  struct Rule: Sendable {
    let reason: String
    let places: [MountPath]

    init(_ reason: String, _ places: [String]) {
      self.reason = reason
      self.places = VolumePlace.paths(places)
    }

    /// Checks whether a volume at this path would be in one of the places, or above one and contain it.
    func covers(_ path: MountPath) -> Bool {
      // Compare the parts that both have: a volume at /opt/NAME may hold a folder bin.
      places.contains { place in
        zip(path.parts, place.parts).allSatisfy { part, pattern in
          pattern.hasSuffix("*") ? part.hasPrefix(pattern.dropLast()) : part == pattern
        }
      }
    }
  }

  static let rules = [
    Rule(
      "programs, their libraries and their settings",
      ["/usr", "/bin", "/sbin", "/lib*", "/snap", "/nix", "/gnu", "/boot"]),
    Rule("programs and their libraries", ["/var/lib/snapd", "/var/lib/flatpak", "/var/lib/gems"]),
    Rule("settings and certificates of this machine's programs", ["/etc"]),
    Rule(
      "programs and their libraries",
      ["/opt/bin", "/opt/sbin", "/opt/lib*", "/opt/etc", "/opt/*/bin", "/opt/*/sbin", "/opt/*/lib*", "/opt/*/etc"]),
    Rule("homes", ["/root", "/home"]),
    Rule("the kernel's", ["/proc", "/sys", "/dev"]),
    Rule("sockets and settings of running programs", ["/run", "/var/run"]),
    Rule("jobs that the machine runs", ["/var/spool"]),
  ]

  private static func paths(_ texts: [String]) -> [MountPath] { texts.compactMap { try? MountPath($0) } }
}
