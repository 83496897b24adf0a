import ControlAPI
import KubeAPI
import KubeObjects
import Logging
import Workloads

/// A running lab, reached as any other cluster: through its kubeconfig.
struct LabCluster: Sendable {
  private let client: KubeClient

  init(_ paths: LabPaths) throws(ControlError) {
    do throws(KubeError) {
      let quiet = Logger(label: "lab", factory: { _ in SwiftLogNoOpLogHandler() })
      client = KubeClient(try ClusterAccess.load(kubeconfig: paths.trustedKubeconfig), log: quiet)
    } catch {
      throw ControlError(error, doing: "reading the lab's kubeconfig")
    }
  }

  /// Returns once the API server reports that it is ready, and the node is.
  func waitUntilReady() async throws(ControlError) {
    try await wait("the lab's node to be ready") { () throws(KubeError) in
      _ = try await client.raw("/readyz")
      return try await client.list(.nodes, namespace: nil).items.contains { $0.hasCondition("Ready") }
        ? nil : "it is not yet"
    }
  }

  /// Creates the objects of a file; existing ones stay as they are.
  func create(_ file: String) async throws(ControlError) {
    let objects = try await attempt("reading \(file)") { () throws(KubeError) in try ManifestFile.read(file) }
    for object in objects {
      guard let resource = Self.resources.first(where: { $0.kind == object.kind && $0.apiVersion == object.apiVersion })
      else {
        throw ControlError(.badInput, "\(file): the lab's samples know no \(object.kind ?? "object without a kind")")
      }
      try await attempt("creating \(object.kind ?? "") \(object.name ?? "")") { () throws(KubeError) in
        do throws(KubeError) { try await client.create(object, as: resource) } catch {
          if !error.isConflict { throw error }
        }
      }
    }
  }

  func waitUntilPodsAreReady(namespace: String) async throws(ControlError) {
    try await wait("the Pods in namespace \(namespace) to be ready") { () throws(KubeError) in
      let deployments = try await client.list(.deployments, namespace: namespace).items
      let late = deployments.filter {
        $0[path: "status", "availableReplicas"]?.intValue ?? 0 < $0[path: "spec", "replicas"]?.intValue ?? 1
      }
      let pods = try await client.list(.pods, namespace: namespace).items.filter { !$0.hasCondition("Ready") }
      let names = (late + pods).compactMap(\.name)
      return names.isEmpty ? nil : names.joined(separator: ", ")
    }
  }

  func pods() async throws(ControlError) -> [LabReport.Pod] {
    try await attempt("listing the lab's Pods") { () throws(KubeError) in
      try await client.list(.pods, namespace: nil).items.map { pod in
        LabReport.Pod(
          namespace: pod.namespace ?? "", name: pod.name ?? "",
          phase: pod[path: "status", "phase"]?.stringValue ?? "Pending",
          ready: pod.hasCondition("Ready"), address: pod[path: "status", "podIP"]?.stringValue)
      }
    }
  }

  /// - Returns: the Pod's uid.
  func uid(ofPod name: String, namespace: String) async throws(ControlError) -> String {
    let pod = try await attempt("looking for Pod \(namespace)/\(name)") { () throws(KubeError) in
      try await client.get(.pods, name, namespace: namespace)
    }
    return pod[path: "metadata", "uid"]?.stringValue ?? ""
  }

  private static let resources: [APIResource] = [.namespaces, .configMaps, .secrets, .services, .deployments, .pods]

  /// - Parameter missing: says what is still missing; nil if nothing is.
  private func wait(_ what: String, _ missing: () async throws(KubeError) -> String?) async throws(ControlError) {
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      guard let problem = try await attempt("waiting for \(what)", missing) else { return }
      guard ContinuousClock.now < deadline else {
        throw ControlError(.timedOut, "waited a minute for \(what): \(problem)")
      }
      do { try await Task.sleep(for: .milliseconds(50)) } catch {
        throw ControlError(.cancelled, "cancelled while waiting for \(what)")
      }
    }
  }
}

extension JSONValue {
  fileprivate func hasCondition(_ type: String) -> Bool {
    (self[path: "status", "conditions"]?.elements ?? []).contains {
      $0["type"]?.stringValue == type && $0["status"]?.stringValue == "True"
    }
  }
}
