import Commands
import ControlAPI

/// The report that `lab up` and `lab status` print; described in docs/output.md.
struct LabReport: Codable, Sendable, Hashable {
  struct Pod: Codable, Sendable, Hashable {
    var namespace: String
    var name: String
    /// The Pod's `status.phase`.
    var phase: String
    var ready: Bool
    var address: String?
  }

  var name: String
  /// The API server's URL.
  var server: String
  /// An absolute path.
  var kubeconfig: String
  var pid: Int32
  /// RFC 3339.
  var since: String
  var log: String
  var pods: [Pod]

  init(_ paths: LabPaths, _ record: LabRecord, pods: [Pod]) {
    name = paths.name
    server = record.server ?? ""
    kubeconfig = paths.kubeconfig
    pid = record.pid
    since = record.since
    log = paths.log
    self.pods = pods
  }

  /// The lines after `lab up`.
  var summary: [String] { ["Lab \(name) is up: \(server)", "export KUBECONFIG=\(kubeconfig)"] }

  /// The lines of `lab status`.
  var lines: [String] {
    var lines = [
      "Lab \(name), pid \(pid), since \(since).", "  API         \(server)", "  kubeconfig  \(kubeconfig)",
      "  log         \(log)",
    ]
    if pods.isEmpty { return lines + ["No Pods."] }
    var table = Table("NAMESPACE", "POD", "PHASE", "READY", "ADDRESS")
    for pod in pods { table.add(pod.namespace, pod.name, pod.phase, pod.ready ? "yes" : "no", pod.address) }
    lines += [""] + table.lines()
    return lines
  }
}
