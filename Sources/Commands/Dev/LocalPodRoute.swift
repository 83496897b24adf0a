import DevLoop
import Glibc
import KubeAPI
import Subprocess

/// The route of local Pods into the remote cluster, beside a loop: `connect --host` in another process, since that
/// becomes the helper.
struct LocalPodRoute: Sendable {
  let wanted: Bool
  let cluster: ClusterAccess
  let options: GlobalOptions
  let kubeconfig: [String]
  let events: @Sendable (DevEvent) -> Void

  /// Runs until it ends by itself, or the task is cancelled.
  func hold() async {
    var arguments = ["connect", "--host", "--context", cluster.contextName, "--namespace", cluster.namespace]
    if let via = options.via { arguments += ["--via", via] }
    if let key = options.viaHostKey { arguments += ["--via-host-key", key] }
    arguments.append("--with-parent")
    guard wanted else { return }
    guard geteuid() == 0 else {
      return warn(
        "local Pods do not reach the remote cluster: that needs root",
        "run beside this: devtunnel " + arguments.joined(separator: " "))
    }
    var options = PlatformOptions()
    options.teardownSequence = [.send(signal: .interrupt, allowedDurationToNextStep: .seconds(10))]
    do {
      let environment: [Environment.Key: String] =
        kubeconfig.isEmpty ? [:] : ["KUBECONFIG": kubeconfig.joined(separator: ":")]
      let result = try await Subprocess.run(
        .path("/proc/self/exe"), arguments: Arguments(arguments),
        environment: .inherit.updating(environment.mapValues { $0 }), platformOptions: options,
        input: .none, output: .discarded, error: .string(limit: 1 << 16))
      guard !Task.isCancelled else { return }
      warn("local Pods do not reach the remote cluster", Self.reason(result.standardError))
    } catch {
      if !Task.isCancelled { warn("local Pods do not reach the remote cluster", "\(error)") }
    }
  }

  /// Returns the command's last message, without those that it prints when all is well.
  private static func reason(_ text: String?) -> String {
    let whenAllGoesWell = ["warning: ", "This machine is in ", "Pods at ", "No bridge of Pods "]
    let lines = (text ?? "").split(whereSeparator: \.isNewline).filter { line in
      !whenAllGoesWell.contains { line.hasPrefix($0) }
    }
    return lines.isEmpty ? "connect --host ended" : lines.joined(separator: "\n")
  }

  private func warn(_ message: String, _ details: String) {
    events(
      .warning(.init(message: "\(message): \(details.split(whereSeparator: \.isNewline).joined(separator: "; "))")))
  }
}
