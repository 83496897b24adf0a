import ControlAPI
import DevLoop
import Skaffold

/// Skaffold's settings as variables: each of its flags may be given as `SKAFFOLD_NAME`, in the environment or in
/// skaffold.env. Flags win.
struct SkaffoldVariables: Sendable, Hashable {
  private let values: [String: String]

  init(_ environment: [String: String]) {
    values = environment.filter { $0.key.hasPrefix(Self.prefix) }
  }

  private static let prefix = "SKAFFOLD_"

  /// The flags that mean something here.
  private static let understood: Set = [
    "BUILD_ARTIFACTS", "CLEANUP", "DEFAULT_REPO", "FILENAME", "FORCE", "IMAGES", "KUBE_CONTEXT", "KUBECONFIG", "MODULE",
    "NAMESPACE", "PORT_FORWARD", "PROFILE", "PROFILE_AUTO_ACTIVATION", "PROPAGATE_PROFILES", "SYNC_REMOTE_CACHE",
    "TAIL",
  ]

  /// Its other flags (Skaffold, cmd/skaffold/app/cmd/flags.go).
  private static let others: Set = [
    "ASSUME_YES", "AUTO_BUILD", "AUTO_CREATE_CONFIG", "AUTO_DEPLOY", "AUTO_SYNC", "BUILD_CONCURRENCY", "BUILD_IMAGE",
    "CACHE_ARTIFACTS", "CACHE_FILE", "CHECK_CLUSTER_NODE_PLATFORMS", "CLOUD_RUN_LOCATION", "CLOUD_RUN_PROJECT",
    "CONFIG", "DEPLOY_NAMESPACE", "DETECT_MINIKUBE", "DIGEST_SOURCE", "DISABLE_MULTI_PLATFORM_BUILD", "DOCKER_NETWORK",
    "ENABLE_GKE_ARM_NODE_TOLERATION", "ENABLE_PLATFORM_NODE_AFFINITY", "ENABLE_RPC", "ENV_FILE", "EVENT_LOG_FILE",
    "FAST_FAIL_STATUS_CHECK", "HYDRATION_DIR", "INSECURE_REGISTRY", "INTERACTIVE", "ITERATIVE_STATUS_CHECK",
    "KEEP_RUNNING_ON_FAILURE", "LABEL", "LAST_LOG_FILE", "LOAD_IMAGES", "MINIKUBE_PROFILE", "MUTE_LOGS", "NO_PRUNE",
    "NO_PRUNE_CHILDREN", "PLATFORM", "REMOTE_CACHE_DIR", "RENDER_ONLY", "RENDER_OUTPUT",
    "RESOURCE_SELECTOR_RULES_FILE", "RPC_HTTP_PORT", "RPC_PORT", "SET", "SET_VALUE_FILE", "SKIP_TESTS", "STATUS_CHECK",
    "STATUS_CHECK_SELECTORS", "TAG", "TIMESTAMPS", "TOLERATE_FAILURES_UNTIL_DEADLINE", "TOOT", "TRIGGER",
    "UPDATE_CHECK", "USER", "VERBOSITY", "WAIT_FOR_CONNECTION", "WAIT_FOR_DELETIONS", "WAIT_FOR_DELETIONS_DELAY",
    "WAIT_FOR_DELETIONS_MAX", "WATCH_IMAGE", "WATCH_POLL_INTERVAL",
  ]

  /// A line for each setting that has no meaning here.
  var notes: [String] {
    values.keys.map { String($0.dropFirst(Self.prefix.count)) }.filter(Self.others.contains).sorted().map {
      "\(Self.prefix)\($0) is a setting of Skaffold that devtunnel does not have"
    }
  }

  var file: String? { text("FILENAME") }
  var profiles: [String] { list("PROFILE") }
  var modules: [String] { list("MODULE") }
  var defaultRepository: String? { text("DEFAULT_REPO") }
  var namespace: String? { text("NAMESPACE") }
  var kubeContext: String? { text("KUBE_CONTEXT") }
  var kubeconfig: String? { text("KUBECONFIG") }
  var images: [String] { list("IMAGES") }
  var buildArtifacts: String? { text("BUILD_ARTIFACTS") }

  /// The flags that are on or off.
  enum Switch: String {
    case tail = "TAIL"
    case cleanup = "CLEANUP"
    case force = "FORCE"
    case propagatesProfiles = "PROPAGATE_PROFILES"
    case activatesProfiles = "PROFILE_AUTO_ACTIVATION"
    case portForward = "PORT_FORWARD"
  }

  /// Returns the flag of the command line, else the variable, else the default.
  func isOn(_ name: Switch, _ flag: Bool? = nil, default fallback: Bool) throws(ControlError) -> Bool {
    if let flag { return flag }
    guard let text = text(name.rawValue) else { return fallback }
    if name == .portForward {
      if text == "off" { return false }
      // Skaffold's words for kinds of forwards all mean that ports are forwarded.
      let kinds = text.split(separator: ",")
      if kinds.allSatisfy({ ["user", "services", "debug", "pods"].contains($0) }) { return true }
    }
    // The words of Go's strconv.ParseBool.
    if ["1", "t", "T", "true", "TRUE", "True"].contains(text) { return true }
    if ["0", "f", "F", "false", "FALSE", "False"].contains(text) { return false }
    throw Self.wrong(name.rawValue, text, "true or false")
  }

  /// Returns the option of the command line, else the variable, else the default.
  func sync(_ option: RemoteRepositories.Sync?) throws(ControlError) -> RemoteRepositories.Sync {
    if let option { return option }
    guard let text = text("SYNC_REMOTE_CACHE") else { return .always }
    guard let sync = RemoteRepositories.Sync(rawValue: text) else {
      throw Self.wrong("SYNC_REMOTE_CACHE", text, "always, missing or never")
    }
    return sync
  }

  private func text(_ name: String) -> String? { values[Self.prefix + name].flatMap { $0.isEmpty ? nil : $0 } }

  private func list(_ name: String) -> [String] {
    (text(name) ?? "").split(separator: ",").map(String.init)
  }

  private static func wrong(_ name: String, _ text: String, _ words: String) -> ControlError {
    ControlError(
      .badInput, "\(prefix)\(name) is '\(text)'",
      remedy: "Write \(words), in the environment or in \(SkaffoldEnvironment.name).")
  }
}
