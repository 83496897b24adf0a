import KubeObjects
import LabStore

/// Writes Events about Pods, as `kubectl describe` shows them; the same again counts up.
actor EventRecorder {
  enum Kind: String, Sendable {
    case normal = "Normal"
    case warning = "Warning"
  }

  private struct Sameness: Hashable {
    var uid: String
    var reason: String
    var message: String
    var field: String
  }

  private let store: any ObjectStoring
  private let nodeName: String
  private var known: [Sameness: ObjectKey] = [:]
  private var counter = UInt64.random(in: 0...UInt64.max / 2)

  init(store: any ObjectStoring, nodeName: String) {
    self.store = store
    self.nodeName = nodeName
  }

  /// - Parameter container: the field path's end, such as `spec.containers{web}`.
  func record(_ kind: Kind, _ reason: String, _ message: String, about pod: PodReference, field: String = "") async {
    let now = Timestamp.now()
    let sameness = Sameness(uid: pod.uid, reason: reason, message: message, field: field)
    if let key = known[sameness] {
      let counted = try? await store.update(key) { event in
        event["count"] = JSONValue((event["count"]?.intValue ?? 1).addingSaturating(1))
        event["lastTimestamp"] = .string(now)
      }
      if counted != nil { return }
    }
    counter += 1
    let name = "\(pod.name).\(String(counter, radix: 16))"
    var involved: JSONValue = [
      "apiVersion": "v1", "kind": "Pod", "namespace": .string(pod.namespace), "name": .string(pod.name),
      "uid": .string(pod.uid),
    ]
    if !field.isEmpty { involved["fieldPath"] = .string(field) }
    _ = try? await store.create(
      .events,
      [
        "apiVersion": "v1", "kind": "Event", "metadata": ["name": .string(name), "namespace": .string(pod.namespace)],
        "involvedObject": involved, "type": .string(kind.rawValue), "reason": .string(reason),
        "message": .string(message), "count": 1,
        "firstTimestamp": .string(now), "lastTimestamp": .string(now), "eventTime": nil,
        "source": ["component": "kubelet", "host": .string(nodeName)], "reportingComponent": "kubelet",
        "reportingInstance": .string(nodeName),
      ])
    known[sameness] = ObjectKey(.events, namespace: pod.namespace, name: name)
  }

  /// Forgets a Pod that has gone.
  func forget(_ uid: String) { known = known.filter { $0.key.uid != uid } }
}
