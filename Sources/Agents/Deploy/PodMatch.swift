import KubeObjects
import Workloads

/// Compares a Pod with the agent's Pod template that it should be made of. A ReplicaSet adopts any Pod that has its
/// labels, so the owner alone does not show which program runs.
///
/// Every field that decides about the program and its input must be the template's. Admission may add to the rest:
/// containers, volumes, mounts, variables, tolerations, resources.
enum PodMatch {
  /// - Parameter template: `spec.template` of the Deployment, as the API server took it.
  /// - Returns: the first field that differs, such as `containers[devtunnel-agent].command`; nil if none does.
  static func difference(_ pod: JSONValue, from template: JSONValue) -> String? {
    let (present, made) = (pod["spec"] ?? [:], template["spec"] ?? [:])
    guard let wanted = agents(of: made).first, case let found = agents(of: present), found.count == 1 else {
      return "containers"
    }
    return ofPod(present, made) ?? ofContainer(found[0], wanted).map { "containers[\(AgentNames.container)].\($0)" }
  }

  private static func agents(of spec: JSONValue) -> [JSONValue] {
    (spec["containers"]?.elements ?? []).filter { $0.entryName == AgentNames.container }
  }

  // MARK: The Pod

  /// Namespaces of the node, or of all containers together: another's processes would be in the agent's.
  private static let shared = ["hostIPC", "hostNetwork", "hostPID", "shareProcessNamespace"]

  private static func ofPod(_ present: JSONValue, _ made: JSONValue) -> String? {
    for key in shared where (present[key]?.boolValue ?? false) != (made[key]?.boolValue ?? false) { return key }
    guard account(present) == account(made) else { return "serviceAccountName" }
    for key in ["automountServiceAccountToken", "hostUsers", "runtimeClassName", "securityContext"] {
      guard holds(present[key], made[key]) else { return key }
    }
    guard TemplateMatch.isSame(present["hostAliases"], made["hostAliases"]) else { return "hostAliases" }
    for volume in made["volumes"]?.elements ?? [] {
      guard let name = volume.entryName else { return "volumes" }
      let found = (present["volumes"]?.elements ?? []).filter { $0.entryName == name }
      guard found.count == 1, TemplateMatch.isSame(found[0], volume) else { return "volumes[\(name)]" }
    }
    return nil
  }

  /// Returns the name of the service account; the API server sets `default` in a Pod that names none.
  private static func account(_ spec: JSONValue) -> String { spec["serviceAccountName"]?.stringValue ?? "default" }

  // MARK: The agent's container

  /// The fields that start a program in the container, or give it a device; nothing may be added to them.
  private static let exact = [
    "args", "command", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe", "volumeDevices",
  ]

  private static func ofContainer(_ present: JSONValue, _ made: JSONValue) -> String? {
    guard isSameImage(present["image"]?.stringValue, made["image"]?.stringValue) else { return "image" }
    for key in exact {
      guard TemplateMatch.isSame(present[key], made[key]) else { return key }
    }
    guard hasVariables(present, of: made) else { return "env" }
    guard holds(present["envFrom"], made["envFrom"]) else { return "envFrom" }
    guard hasMounts(present, of: made) else { return "volumeMounts" }
    guard isNoMorePrivileged(present["securityContext"], than: made["securityContext"]) else {
      return "securityContext"
    }
    return nil
  }

  /// Admission may pin an image by its digest. A mirror's name is another image: in an image of their own, someone
  /// could make a symbolic link that brings a mount over the agent's program.
  private static func isSameImage(_ present: String?, _ made: String?) -> Bool {
    guard let present, let made else { return present == made }
    return present == made || !made.contains("@") && present.hasPrefix(made + "@sha256:")
  }

  /// The agent reads only variables that begin with `DEVTUNNEL_` (Agent, `AgentProgram`). Admission may add to the
  /// workload's and change them. Of two with one name the last counts, so only the template's may exist.
  private static func hasVariables(_ present: JSONValue, of made: JSONValue) -> Bool {
    func own(_ container: JSONValue) -> JSONValue {
      .array((container["env"]?.elements ?? []).filter { $0.entryName?.hasPrefix("DEVTUNNEL_") ?? false })
    }
    return TemplateMatch.isSame(own(present), own(made))
  }

  /// Places whose files decide about what the agent runs, or about the names that it resolves.
  private static let guarded = [AgentNames.mountPath, "/etc/hosts", "/etc/resolv.conf"].compactMap {
    try? MountPath($0)
  }

  /// Mounts may be added, but none that covers or is within a guarded place.
  private static func hasMounts(_ present: JSONValue, of made: JSONValue) -> Bool {
    let wanted = made["volumeMounts"]?.elements ?? []
    var others = present["volumeMounts"]?.elements ?? []
    for mount in wanted {
      guard let index = others.firstIndex(where: { TemplateMatch.isSame($0, mount) }) else { return false }
      others.remove(at: index)
    }
    return others.allSatisfy { mount in
      guard let path = mount["mountPath"]?.stringValue.flatMap({ try? MountPath($0) }) else { return false }
      return !Self.guarded.contains { path.isWithin($0) || $0.isWithin(path) }
        && !wanted.contains { $0["mountPath"] == mount["mountPath"] }
    }
  }

  /// Admission may add to a security context, but no privilege.
  private static func isNoMorePrivileged(_ present: JSONValue?, than made: JSONValue?) -> Bool {
    let added = Set(present?[path: "capabilities", "add"]?.elements ?? [])
    let isPrivileged = present?["privileged"]?.boolValue ?? false
    return holds(present, made) && added.isSubset(of: made?[path: "capabilities", "add"]?.elements ?? [])
      && (!isPrivileged || made?["privileged"]?.boolValue ?? false)
  }

  // MARK: Values

  /// Checks that the whole of a template's value is present: each member of an object, each element of an array.
  private static func holds(_ present: JSONValue?, _ made: JSONValue?) -> Bool {
    switch (present, made ?? .null) {
    case (_, .null): true
    case (let present, .object(let made)): made.allSatisfy { holds(present?[$0.key], $0.value) }
    case (let present, .array(let made)):
      made.allSatisfy { wanted in (present?.elements ?? []).contains { holds($0, wanted) } }
    case (let present, let made): present == made
    }
  }
}
