import KubeObjects
import LabStore

/// A Deployment and its ReplicaSets at one moment, and the steps that bring it further.
struct Rollout: Sendable {
  static let revisionAnnotation = "deployment.kubernetes.io/revision"
  static let hashLabel = "pod-template-hash"

  let deployment: JSONValue
  /// The ReplicaSet of the present template.
  private(set) var newest: JSONValue?
  /// The others, oldest revision first.
  private(set) var others: [JSONValue]

  var replicas: Int { deployment[path: "spec", "replicas"]?.countValue ?? 1 }
  var all: [JSONValue] { others + (newest.map { [$0] } ?? []) }

  static func read(_ deployment: JSONValue, _ store: any ObjectStoring) async throws -> Rollout {
    let owned = await store.list(.replicaSets, namespace: deployment.namespace).items.filter {
      $0.controllerReference?.uid == deployment.uid && !$0.isTerminating
    }
    let sorted = owned.sorted { revision(of: $0) < revision(of: $1) }
    let template = plain(deployment[path: "spec", "template"])
    let newest = sorted.last { plain($0[path: "spec", "template"]) == template }
    return Rollout(deployment: deployment, newest: newest, others: sorted.filter { $0.uid != newest?.uid })
  }

  static func specReplicas(_ set: JSONValue) -> Int { set[path: "spec", "replicas"]?.countValue ?? 0 }
  static func status(_ set: JSONValue, _ field: String) -> Int { set[path: "status", field]?.countValue ?? 0 }
  static func revision(of set: JSONValue) -> Int {
    JSONValue.count(Int(set.annotations[revisionAnnotation] ?? "") ?? 0)
  }

  /// A template without what the controller adds to it.
  private static func plain(_ template: JSONValue?) -> JSONValue {
    var template = template ?? [:]
    if template[path: "metadata", "labels"] != nil { template[path: "metadata", "labels", hashLabel] = nil }
    template[path: "metadata", "creationTimestamp"] = nil
    return template
  }

  // MARK: The newest ReplicaSet

  /// Makes the ReplicaSet of the present template, or gives the one that had it before (an undo) the newest revision.
  mutating func makeNewest(_ store: any ObjectStoring) async throws {
    let revision = (others.map(Self.revision).max() ?? 0) + 1
    if let current = newest {
      if Self.revision(of: current) < revision {
        newest = try await store.update(current.key(.replicaSets)) {
          $0[path: "metadata", "annotations", Self.revisionAnnotation] = .string(String(revision))
        }
      }
    } else {
      newest = try await store.create(.replicaSets, newSet(revision: revision))
    }
    let text = newest?.annotations[Self.revisionAnnotation] ?? ""
    _ = try await store.update(deployment.key(.deployments)) {
      $0[path: "metadata", "annotations", Self.revisionAnnotation] = .string(text)
    }
  }

  private func newSet(revision: Int) -> JSONValue {
    let hash = TemplateHash.text(of: Self.plain(deployment[path: "spec", "template"]))
    var annotations = deployment.annotations
    annotations["kubectl.kubernetes.io/last-applied-configuration"] = nil
    annotations[Self.revisionAnnotation] = String(revision)
    var template = Self.plain(deployment[path: "spec", "template"])
    template[path: "metadata", "labels", Self.hashLabel] = .string(hash)
    var selector = deployment[path: "spec", "selector"] ?? [:]
    selector[path: "matchLabels", Self.hashLabel] = .string(hash)
    var set: JSONValue = [
      "metadata": [
        "name": .string("\(deployment.name)-\(hash)"), "namespace": .string(deployment.namespace),
        "annotations": JSONValue(annotations),
        "labels": template[path: "metadata", "labels"] ?? [:],
        "ownerReferences": [deployment.ownerReference(to: .deployment)],
      ],
      // Alone it has its whole size at once: from 0, it would first delete the orphans that it adopts.
      "spec": ["replicas": JSONValue(others.isEmpty ? replicas : 0), "selector": selector, "template": template],
    ]
    set[path: "spec", "minReadySeconds"] = deployment[path: "spec", "minReadySeconds"]
    Defaults.apply(to: &set, .replicaSet)
    return set
  }

  // MARK: Steps

  /// Grows the newest ReplicaSet as far as `maxSurge` allows and shrinks the others as far as `maxUnavailable` does.
  mutating func roll(_ store: any ObjectStoring) async throws {
    guard let current = newest else { return }
    let limits = RolloutLimits(deployment)
    let total = all.reduce(0) { $0 + Self.specReplicas($1) }
    let present = Self.specReplicas(current)
    let room = replicas + limits.surge - total
    let wanted = present > replicas ? replicas : min(replicas, present + max(0, room))
    if wanted != present { newest = try await scale(current, to: wanted, store) }
    try await shrinkOthers(store, minimum: replicas - limits.unavailable)
  }

  private mutating func shrinkOthers(_ store: any ObjectStoring, minimum: Int) async throws {
    guard let newest else { return }
    let newestMissing = max(0, Self.specReplicas(newest) - Self.status(newest, "availableReplicas"))
    let total = all.reduce(0) { $0 + Self.specReplicas($1) }
    var budget = total - minimum - newestMissing
    guard budget > 0 else { return }
    // Pods that do not work are given up first: they count for nothing.
    for (index, set) in others.enumerated() where budget > 0 {
      let broken = min(budget, max(0, Self.specReplicas(set) - Self.status(set, "availableReplicas")))
      guard broken > 0 else { continue }
      others[index] = try await scale(set, to: Self.specReplicas(set) - broken, store)
      budget -= broken
    }
    let available = all.reduce(0) { $0 + min(Self.status($1, "availableReplicas"), Self.specReplicas($1)) }
    var spare = available - minimum
    for (index, set) in others.enumerated() where spare > 0 {
      let step = min(spare, Self.specReplicas(set))
      guard step > 0 else { continue }
      others[index] = try await scale(set, to: Self.specReplicas(set) - step, store)
      spare -= step
    }
  }

  /// Ends all old Pods, waits until they are gone, then starts the new ones.
  mutating func recreate(_ store: any ObjectStoring) async throws {
    guard let current = newest else { return }
    for (index, set) in others.enumerated() where Self.specReplicas(set) > 0 {
      others[index] = try await scale(set, to: 0, store)
    }
    let old = Set(others.map(\.uid))
    let remaining = await store.list(.pods, namespace: deployment.namespace).items.contains { pod in
      pod.controllerReference.map { old.contains($0.uid) } == true && !pod.hasEnded
    }
    if !remaining { newest = try await scale(current, to: replicas, store) }
  }

  /// A paused Deployment starts no rollout, but what runs can be scaled.
  mutating func scaleWhilePaused(_ store: any ObjectStoring) async throws {
    let active = all.filter { Self.specReplicas($0) > 0 }
    guard active.count <= 1, let set = active.first ?? newest ?? others.last else { return }
    _ = try await scale(set, to: replicas, store)
  }

  /// Deletes the oldest ReplicaSets without Pods beyond `revisionHistoryLimit`.
  func forgetOldRevisions(_ store: any ObjectStoring) async throws {
    let limit = deployment[path: "spec", "revisionHistoryLimit"]?.countValue ?? 10
    let idle = others.filter { Self.specReplicas($0) == 0 && Self.status($0, "replicas") == 0 }
    for set in idle.prefix(max(0, idle.count - limit)) { _ = try await store.delete(set.key(.replicaSets), grace: nil) }
  }

  private func scale(_ set: JSONValue, to replicas: Int, _ store: any ObjectStoring) async throws -> JSONValue {
    let desired = self.replicas
    let surge = RolloutLimits(deployment).surge
    let minimum = deployment[path: "spec", "minReadySeconds"]
    return try await store.update(set.key(.replicaSets)) { set in
      set[path: "spec", "replicas"] = JSONValue(replicas)
      set[path: "spec", "minReadySeconds"] = minimum
      set[path: "metadata", "annotations", "deployment.kubernetes.io/desired-replicas"] = .string(String(desired))
      set[path: "metadata", "annotations", "deployment.kubernetes.io/max-replicas"] = .string(String(desired + surge))
    }
  }
}

/// `maxSurge` and `maxUnavailable` as numbers of Pods: a share is rounded up for the first, down for the second, and
/// both cannot be 0.
struct RolloutLimits: Sendable, Equatable {
  var surge: Int
  var unavailable: Int

  init(_ deployment: JSONValue) {
    let replicas = deployment[path: "spec", "replicas"]?.countValue ?? 1
    let update = deployment[path: "spec", "strategy", "rollingUpdate"]
    surge = Self.number(update?["maxSurge"], of: replicas, roundsUp: true)
    unavailable = Self.number(update?["maxUnavailable"], of: replicas, roundsUp: false)
    if surge == 0, unavailable == 0 { unavailable = 1 }
    unavailable = min(unavailable, replicas)
  }

  private static func number(_ value: JSONValue?, of replicas: Int, roundsUp: Bool) -> Int {
    if let number = value?.countValue { return number }
    guard let text = value?.stringValue, text.last == "%", let share = Int(text.dropLast()) else { return 0 }
    return JSONValue.count((replicas * JSONValue.count(share) + (roundsUp ? 99 : 0)) / 100)
  }
}

/// A short name for a Pod template: equal templates have equal names.
enum TemplateHash {
  private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")

  static func text(of template: JSONValue) -> String {
    // FNV-1a, 32 bits, over the JSON text, whose keys are sorted.
    var hash: UInt32 = 2_166_136_261
    for byte in template.serialized() { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return String(String(hash).utf8.map { alphabet[Int($0) % alphabet.count] })
  }
}
