import HTTPTestSupport
import KubeAPI
import KubeObjects
import Synchronization

@testable import Agents

/// An API server's answers about namespace `testbed`, where an agent of workload `user` runs or is about to.
final class FakeNamespace: Sendable {
  struct Objects: Sendable {
    /// By the last part of their collection's path.
    var lists: [String: [JSONValue]] = [:]
    /// Collections that may not be read.
    var forbidden: Set<String> = []
    /// By how many lists of ReplicaSets came.
    var replicaSetsAfter: [Int: [JSONValue]] = [:]
    var replicaSetLists = 0
    /// Names that are taken: creating one fails, and deleting takes it out of the lists.
    var refusesTaken = false
  }

  private let objects: Mutex<Objects>

  init(_ objects: Objects) { self.objects = Mutex(objects) }

  func answer(_ request: HTTPTestServer.Request, _ connection: HTTPTestServer.Connection) {
    let parts = request.path.split(separator: "/").map(String.init)
    guard request.query["watch"] == nil else {
      connection.beginChunks()
      _ = connection.waitForClient()
      return
    }
    if let refusal = refusal(request, parts) { return connection.failure(409, "AlreadyExists", refusal) }
    // A written object comes back and is not kept: tests look at the requests themselves.
    guard request.method == "GET" else {
      return connection.reply((request.json ?? [:]).with(uid: "new"))
    }
    if parts.last == "log" { return connection.reply(200, body: []) }
    // …/namespaces/testbed/COLLECTION[/NAME], or …/namespaces/testbed itself.
    let isNamespace = parts.count == 4
    let collection = isNamespace ? "namespaces" : parts[parts.firstIndex(of: "namespaces")! + 2]
    let name = parts.last == collection ? nil : parts.last
    let (isForbidden, items) = objects.withLock { objects in
      if collection == "replicasets" {
        objects.replicaSetLists += 1
        if let changed = objects.replicaSetsAfter[objects.replicaSetLists] { objects.lists[collection] = changed }
      }
      return (objects.forbidden.contains(collection), objects.lists[collection] ?? [])
    }
    if isForbidden {
      return connection.failure(
        403, "Forbidden", "\(collection) is forbidden: User \"alice\" cannot list resource \"\(collection)\"")
    }
    guard let name else {
      let fields = request.query["fieldSelector"].map { $0.split(separator: "=").map(String.init) }
      let chosen = items.filter { fields == nil || $0[path: "involvedObject", "name"]?.stringValue == fields?.last }
      return connection.reply(["metadata": ["resourceVersion": "1"], "items": .array(chosen)])
    }
    guard let object = items.first(where: { $0.name == name }) else { return connection.failure(404, "NotFound", name) }
    connection.reply(object)
  }

  private func refusal(_ request: HTTPTestServer.Request, _ parts: [String]) -> String? {
    objects.withLock { objects in
      guard objects.refusesTaken else { return nil }
      switch request.method {
      case "POST":
        let (collection, name) = (parts.last ?? "", request.json?.name ?? "")
        let isTaken = objects.lists[collection]?.contains { $0.name == name } ?? false
        return isTaken ? "\(collection) \"\(name)\" already exists" : nil
      case "DELETE":
        objects.lists[parts[parts.count - 2], default: []].removeAll { $0.name == parts.last }
        return nil
      default: return nil
      }
    }
  }

  // MARK: Objects

  static func deployment(uid: String, service: String?) -> JSONValue {
    AgentManifests(workload: "user", namespace: "testbed", holder: "alice@laptop", service: service)
      .deployment(template: [:], replicas: 1).with(uid: uid)
  }

  /// The agent of Deployment `uid`, and what its one container runs.
  static func identity(uid: String) -> AgentIdentity {
    AgentIdentity(
      namespace: "testbed", workload: "user", controlPort: 17_717, token: Array(repeating: 7, count: 32), uid: uid,
      template: template)
  }

  private static let template: JSONValue = [
    "spec": ["containers": [["name": JSONValue(AgentNames.container), "image": "user:1", "command": ["/agent"]]]]
  ]

  /// A Pod that runs and that ReplicaSet `r` of `replicaSet(uid:owner:)` controls: its own, or one that it adopted.
  static func pod(
    _ name: String = "devtunnel-user-6f9c-x", uid: String = "p", spec: JSONValue = template["spec"]!
  ) -> JSONValue {
    [
      "metadata": [
        "name": JSONValue(name), "uid": JSONValue(uid),
        "ownerReferences": [Self.owner("ReplicaSet", "devtunnel-user-6f9c", uid: "r")],
      ],
      "spec": spec,
      "status": ["containerStatuses": [["name": JSONValue(AgentNames.container), "state": ["running": [:]]]]],
    ]
  }

  static func owner(_ kind: String, _ name: String, uid: String) -> JSONValue {
    OwnerReference(apiVersion: "apps/v1", kind: kind, name: name, uid: uid, isController: true).json
  }

  /// - Parameter refused: the message of its condition, and whether that is true still.
  static func replicaSet(uid: String, owner: String, refused: (message: String, status: String)? = nil) -> JSONValue {
    var set: JSONValue = [
      "metadata": [
        "name": "devtunnel-user-6f9c",
        "ownerReferences": [Self.owner("Deployment", "devtunnel-user", uid: owner)],
      ]
    ]
    if let refused {
      set["status"] = [
        "conditions": [
          ["type": "ReplicaFailure", "status": JSONValue(refused.status), "message": JSONValue(refused.message)]
        ]
      ]
    }
    return set.with(uid: uid)
  }

  static func event(
    about uid: String, named name: String = "devtunnel-user-6f9c", _ reason: String, _ message: String, at time: String
  ) -> JSONValue {
    [
      "type": "Warning", "reason": JSONValue(reason), "message": JSONValue(message), "lastTimestamp": JSONValue(time),
      "involvedObject": ["name": JSONValue(name), "uid": JSONValue(uid)],
    ]
  }
}

extension JSONValue {
  func with(uid: String) -> JSONValue {
    var object = self
    object[path: "metadata", "uid"] = JSONValue(uid)
    return object
  }
}
