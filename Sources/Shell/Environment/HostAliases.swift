import KubeObjects
import Outbound

/// The names that a Pod's specification adds to its `/etc/hosts` (Kubernetes API, `spec.hostAliases`).
struct HostAliases: Sendable, Equatable {
  /// Lines of hosts(5): an address, and its names.
  private(set) var lines: [String] = []
  /// A remark for each entry that is left out.
  private(set) var warnings: [String] = []

  /// Enough for any Pod; a file is read by each program that looks up a name.
  private static let mostNames = 4096

  /// - Parameter template: of a Pod. The API server checks addresses and names; they are checked here again, since they
  ///   become lines of a file.
  init(template: JSONValue) {
    var names = 0
    for (index, alias) in (template[path: "spec", "hostAliases"]?.elements ?? []).enumerated() {
      guard let ip = alias["ip"]?.stringValue, let address = IPAddress(parsing: ip) else {
        warnings.append("hostAliases[\(index)] of the workload is left out: its ip is no address")
        continue
      }
      let all = (alias["hostnames"]?.elements ?? []).compactMap(\.stringValue)
      let hostnames = all.filter(Self.isName)
      if hostnames.count < all.count {
        warnings.append("hostAliases[\(index)] of the workload has names that no host can have; they are left out")
      }
      names += hostnames.count
      guard names <= Self.mostNames else {
        warnings.append("the workload's hostAliases have more than \(Self.mostNames) names; the rest is left out")
        return
      }
      if !hostnames.isEmpty { lines.append("\(address) \(hostnames.joined(separator: " "))") }
    }
  }

  /// Returns the contents of a hosts file: this machine's, whose entries come first, then the Pod's.
  func text(after own: String) -> String {
    let end = own.isEmpty || own.hasSuffix("\n") ? "" : "\n"
    return own + end + "# hostAliases of the workload\n" + lines.map { $0 + "\n" }.joined()
  }

  /// Letters, digits, dots, hyphens and underscores (RFC 1123 section 2.1, and names that are in use).
  private static func isName(_ text: String) -> Bool {
    (1...253).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
        default: false
        }
      }
  }
}
