import CLinux

/// A network namespace pinned at a path: it lives until it is removed, with or without processes.
struct NetworkNamespace: Sendable, Hashable {
  let path: String

  /// - Throws: `systemCall`; EPERM means the lab does not run as root.
  func create() throws { try check(clinux_ns_create(path), "make the network namespace \(path)") }

  /// An absent one is fine.
  func remove() { _ = clinux_ns_delete(path) }

  /// Sets a network parameter such as `net.ipv4.ip_forward` inside the namespace.
  func setParameter(_ name: String, _ value: String) throws {
    let file = "/proc/sys/" + name.replacing(".", with: "/")
    try check(clinux_ns_write(path, file, value, value.utf8.count), "set \(name) to \(value)")
  }

  /// Moves the calling thread into the namespace, for good.
  func enter() throws { try check(clinux_ns_enter(path), "enter the network namespace \(path)") }

  private func check(_ result: Int32, _ what: String) throws {
    guard result < 0 else { return }
    throw LabNodeError(.systemCall, "cannot \(what): \(Files.reason(-result)); the lab must run as root")
  }
}
