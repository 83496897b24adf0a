import KubeObjects
import LabStore

/// One Pod's life on the node: its network and volumes, its containers from the first to the last, its status, its end.
///
/// The files are the stages in order: here set-up and publication, then containers, probes, termination.
actor PodWorker {
  /// A container's current run.
  struct Run: Sendable {
    let started: ContainerStarter.Started
    var probes: Task<Void, Never>?
    var isStopping = false
  }

  nonisolated let uid: String
  nonisolated let key: ObjectKey
  let node: NodeServices
  var pod: PodReference
  var records: [ContainerRecord]
  var runs: [String: Run] = [:]
  /// The newest log of each container; it can be read after the container's end.
  var logs: [String: (attempt: Int, log: ContainerLog)] = [:]
  var attempts: [String: Int] = [:]
  /// Set once the Pod is to end: nothing starts any more.
  var isTerminating = false
  var termination: Task<Void, Never>?
  private var lifecycle: Task<Void, Never>?
  /// Sidecars run beside the lifecycle, from their turn among the init containers to the end.
  private var sidecars: [Task<Void, Never>] = []
  private let startTime = Timestamp.now()
  private var isPublishing = false
  private var needsPublishing = false

  init(_ object: JSONValue, node: NodeServices) {
    self.node = node
    pod = PodReference(
      object: object, address: nil, hostAddress: node.network.podNetwork.address, nodeName: node.configuration.nodeName)
    uid = pod.uid
    key = ObjectKey(.pods, namespace: pod.namespace, name: pod.name)
    records = ContainerRecord.all(of: pod.spec)
  }

  nonisolated var namespace: NetworkNamespace { NetworkNamespace(path: node.directories.podNamespace(uid)) }

  var volumes: PodVolumes {
    let content = VolumeContent(
      store: node.store, pod: pod, token: node.configuration.serviceAccountToken,
      authority: node.configuration.serviceAccountCA)
    return PodVolumes(content: content, directory: node.directories.volumes(uid))
  }

  func start() {
    guard lifecycle == nil, !isTerminating else { return }
    lifecycle = Task { await live() }
  }

  /// Ends the lifecycle's waiting; containers that run are the caller's to stop.
  /// - Returns: what ends once they have.
  func endLifecycle() -> [Task<Void, Never>] {
    let tasks = [lifecycle].compactMap { $0 } + sidecars
    for task in tasks { task.cancel() }
    return tasks
  }

  private func live() async {
    if let refusal = refusal() { return await fail(refusal.reason, refusal.message) }
    guard await attachNetwork(), await writeVolumes() else { return }
    await publish()
    guard await runInitContainers() else { return }
    for record in records where record.role == .main {
      update(record.name) { $0.state = .waiting(reason: "ContainerCreating", message: "") }
    }
    await withDiscardingTaskGroup { group in
      for record in records where record.role == .main { group.addTask { await self.keepRunning(record.name) } }
    }
    if !isTerminating { await stopSidecars() }
  }

  // MARK: Set-up

  private func refusal() -> (reason: String, message: String)? {
    if pod.spec["hostNetwork"]?.boolValue == true {
      return ("HostNetworkForbidden", "the lab has no link to a host network: remove hostNetwork from the Pod")
    }
    do { try PodVolumes.check(pod.spec["volumes"]?.elements ?? []) } catch { return ("InvalidVolume", "\(error)") }
    if let record = records.first(where: { !EntryName.isOne($0.name) }) {
      return ("InvalidContainer", "the container's name \"\(record.name)\" is no name of a file")
    }
    let other = sysctls.keys.filter { !$0.hasPrefix("net.") }.sorted()
    return other.isEmpty
      ? nil : ("SysctlForbidden", "forbidden sysctl: \"\(other[0])\" not allowlisted: the lab sets net.* only")
  }

  private var sysctls: [String: String] {
    let pairs = (pod.spec[path: "securityContext", "sysctls"]?.elements ?? []).compactMap { item in
      item["name"]?.stringValue.map { ($0, item["value"]?.stringValue ?? "") }
    }
    return Dictionary(pairs, uniquingKeysWith: { $1 })
  }

  private func fail(_ reason: String, _ message: String) async {
    await node.events.record(.warning, reason, message, about: pod)
    _ = try? await node.store.update(key) { object in
      object[path: "status", "phase"] = "Failed"
      object[path: "status", "reason"] = .string(reason)
      object[path: "status", "message"] = .string(message)
    }
  }

  private func attachNetwork() async -> Bool {
    while !Task.isCancelled {
      do {
        try Files.makeDirectory(node.directories.pod(uid) + "/logs")
        pod.address = try await node.network.attach(namespace, parameters: sysctls)
        return !Task.isCancelled
      } catch {
        await node.events.record(
          .warning, "FailedCreatePodSandBox", "Failed to create pod sandbox: \(error)", about: pod)
        await pause(.seconds(2))
      }
    }
    return false
  }

  private func writeVolumes() async -> Bool {
    while !Task.isCancelled {
      do {
        try await volumes.write()
        return true
      } catch {
        await node.events.record(.warning, "FailedMount", "MountVolume.SetUp failed: \(error)", about: pod)
        await publish()
        await pause(.milliseconds(500))
      }
    }
    return false
  }

  private func runInitContainers() async -> Bool {
    for record in records where record.role != .main {
      if record.role == .sidecar {
        sidecars.append(Task { await keepRunning(record.name) })
        while !Task.isCancelled, self.record(record.name)?.hasStarted != true { await pause(.milliseconds(20)) }
      } else {
        await keepRunning(record.name)
        guard self.record(record.name)?.isInitialized == true else { return false }
      }
      if Task.isCancelled { return false }
    }
    return true
  }

  // MARK: Changes from outside

  /// Takes the newest version of the Pod's object; downward API files follow its metadata.
  func take(_ object: JSONValue) async {
    let isChanged =
      object["metadata"]?["labels"] != pod.object["metadata"]?["labels"]
      || object["metadata"]?["annotations"] != pod.object["metadata"]?["annotations"]
    let gatesChanged =
      !(pod.spec["readinessGates"]?.elements ?? []).isEmpty
      && object[path: "status", "conditions"] != pod.object[path: "status", "conditions"]
    pod.object = object
    if isChanged, pod.address != nil, !isTerminating { try? await volumes.write() }
    if gatesChanged { await publish() }
  }

  /// Brings volumes made of this object up to date.
  func refresh(_ resource: Resource, _ name: String) async {
    guard pod.address != nil, !isTerminating, volumes.uses(resource, name) else { return }
    try? await volumes.write()
  }

  // MARK: Records and status

  func record(_ name: String) -> ContainerRecord? { records.first { $0.name == name } }

  func update(_ name: String, _ change: (inout ContainerRecord) -> Void) {
    guard let index = records.firstIndex(where: { $0.name == name }) else { return }
    change(&records[index])
  }

  /// Writes the status; changes that come while one write is on its way go out together with the next.
  func publish() async {
    needsPublishing = true
    guard !isPublishing else { return }
    isPublishing = true
    defer { isPublishing = false }
    while needsPublishing {
      needsPublishing = false
      let status = PodStatus(pod: pod, records: records, startTime: startTime)
      let uid = uid
      _ = try? await node.store.update(key) { object in
        guard object[path: "metadata", "uid"]?.stringValue == uid else { return }
        object["status"] = status.json(over: object["status"] ?? [:])
      }
    }
  }

  /// Sleeps, until the Pod is to end.
  func pause(_ duration: Duration) async { try? await Task.sleep(for: duration) }
}
