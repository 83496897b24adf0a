import ControlAPI
import Foundation
import HTTPTestSupport
import KubeAPI
import KubeObjects
import Synchronization
import Testing

@testable import Agents

/// A gateway is known by what was made. The cluster is a dictionary of objects by path, which counts changes as an API
/// server does.
@Suite(.timeLimit(.minutes(1))) struct OwnAgentTests {
  private final class Cluster: Sendable {
    let objects = Mutex<[String: JSONValue]>([:])
    private let uids = Mutex(0)

    private func uid() -> JSONValue {
      let count = uids.withLock { count in
        count += 1
        return count
      }
      return JSONValue("uid-\(count)")
    }

    func put(_ path: String, _ object: JSONValue) {
      objects.withLock { objects in
        var object = object
        object[path: "metadata", "uid"] = uid()
        object[path: "metadata", "generation"] = 1
        object[path: "metadata", "resourceVersion"] = uid()
        objects[path] = object
      }
    }

    func answer(_ request: HTTPTestServer.Request, _ connection: HTTPTestServer.Connection) {
      let parts = request.path.split(separator: "/")
      switch request.method {
      case "POST":
        let body = request.json ?? [:]
        let path = "\(request.path)/\(body.name ?? "")"
        guard body.name != nil else { return connection.reply(201, ["status": ["allowed": true]]) }
        guard objects.withLock({ $0[path] }) == nil else { return connection.failure(409, "AlreadyExists", path) }
        put(path, stored(body))
        connection.reply(201, objects.withLock { $0[path]! })
      case "PATCH":
        let changed = objects.withLock { objects -> JSONValue? in
          guard var object = objects[request.path] else { return nil }
          object[path: "spec", "replicas"] = request.json?[path: "spec", "replicas"]
          object[path: "metadata", "generation"] = JSONValue((object.generation ?? 0) + 1)
          objects[request.path] = object
          return object
        }
        if let changed { connection.reply(changed) } else { connection.failure(404, "NotFound", request.path) }
      case "DELETE":
        if objects.withLock({ $0.removeValue(forKey: request.path) }) == nil {
          connection.failure(404, "NotFound", request.path)
        } else {
          connection.reply([:])
        }
      default:
        if let object = objects.withLock({ $0[request.path] }) { return connection.reply(object) }
        if parts.last == "pods" {
          return connection.reply([
            "items": [
              [
                "metadata": ["name": "web"], "spec": ["containers": [["image": "web:1"]]],
                "status": ["phase": "Running"],
              ]
            ]
          ])
        }
        if ["limitranges", "resourcequotas", "services"].contains(parts.last) {
          return connection.reply(["items": []])
        }
        connection.failure(404, "NotFound", request.path)
      }
    }

    /// A Secret's `stringData` becomes `data`.
    private func stored(_ object: JSONValue) -> JSONValue {
      guard let token = object[path: "stringData", "token"]?.stringValue else { return object }
      var object = object
      object["stringData"] = nil
      object["data"] = ["token": JSONValue(Data(token.utf8).base64EncodedString())]
      return object
    }

    static func path(_ resource: APIResource, _ name: String) -> String {
      resource.path(namespace: "shop", name: AgentNames.base(name))
    }

    /// Edits an agent's object as an API server does: the content of an immutable one stays.
    func change(_ resource: APIResource, _ name: String, _ edit: (inout JSONValue) -> Void) {
      objects.withLock { objects in
        guard let path = objects.keys.first(where: { $0.hasPrefix(Self.path(resource, name)) }), let old = objects[path]
        else { return }
        var object = old
        edit(&object)
        if old["immutable"] == true {
          for key in ["immutable", "data", "binaryData"] { object[key] = old[key] }
        }
        object[path: "metadata", "resourceVersion"] = uid()
        objects[path] = object
      }
    }

    /// Deletes an agent's object and makes it again.
    func replace(_ resource: APIResource, _ name: String, _ edit: (inout JSONValue) -> Void = { _ in }) {
      let start = Self.path(resource, name)
      guard let (path, old) = objects.withLock({ $0.first { $0.key.hasPrefix(start) } }) else { return }
      var object = old
      edit(&object)
      put(path, object)
    }

    var deployments: [String] {
      objects.withLock { $0.values.filter { $0.kind == "Deployment" }.compactMap(\.name).sorted() }
    }
  }

  private final class Names: Sendable {
    private let names = Mutex<[String]>([])
    func add(_ name: String) { names.withLock { $0.append(name) } }
    var all: [String] { names.withLock { $0 } }
  }

  private static let holder = Holder(name: "root@localhost", installation: String(repeating: "1a", count: 16))

  /// - Parameter body: gets the cluster, the reports and journal entries, and a function that makes a daemon's gateway.
  private func inCluster(
    _ body: (Cluster, _ told: Names, _ journal: Names, (AgentRecords) -> Gateway) async throws -> Void
  ) async throws {
    let share = FileManager.default.temporaryDirectory.appending(path: "devtunnel-own-\(UUID())")
    try FileManager.default.createDirectory(at: share, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: share) }
    try Data("ELF".utf8).write(to: share.appending(path: "devtunnel-agent-amd64"))
    let (cluster, told, journal) = (Cluster(), Names(), Names())
    try await withServer {
      cluster.answer($0, $1)
    } _: { client, _ in
      try await body(cluster, told, journal) { records in
        Gateway(
          client: client, installation: Installation(share: share.path), cluster: ClusterIdentity(uid: "c", server: ""),
          namespace: "shop", holder: Self.holder,
          records: records
        ) { name throws(ControlError) in journal.add(name) }
      }
    }
  }

  @Test("The next daemon finds its gateway again, with its token")
  func again() async throws {
    try await inCluster { cluster, _, journal, gateway in
      let path = FileManager.default.temporaryDirectory.appending(path: "devtunnel-own-\(UUID()).json").path
      defer { try? FileManager.default.removeItem(atPath: path) }
      let first = try await gateway(AgentRecords(path: path)).ensure(progress: nil)
      #expect(journal.all == [first.workload], "it was in the journal before it was made")
      let second = try await gateway(AgentRecords(path: path)).ensure(progress: nil)
      #expect(second == first)
      #expect(cluster.deployments.count == 1)
    }
  }

  @Test("Two installations of one name have a gateway each")
  func notShared() async throws {
    try await inCluster { cluster, _, _, gateway in
      let (one, two) = (AgentRecords(path: nil), AgentRecords(path: nil))
      let first = try await gateway(one).ensure(progress: nil)
      let second = try await gateway(two).ensure(progress: nil)
      #expect(first.workload != second.workload && first.token != second.token)
      try await gateway(one).remove()
      #expect(cluster.deployments == [AgentNames.base(second.workload)], "each removes its own alone")
    }
  }

  @Test("A colleague's gateway of the same name is neither used nor removed")
  func sameName() async throws {
    try await inCluster { cluster, told, journal, gateway in
      let records = AgentRecords(path: nil)
      let name = try records.name(gateway(records).key, prefix: "gateway-")
      // Made beforehand in every detail, with a program and a token of theirs.
      let manifests = AgentManifests(workload: name, namespace: "shop", holder: Self.holder)
      cluster.put(Cluster.path(.deployments, name), manifests.deployment(template: [:], replicas: 1))
      cluster.put(
        Cluster.path(.secrets, name),
        ["data": ["token": JSONValue(Data(String(repeating: "ab", count: 32).utf8).base64EncodedString())]])
      let identity = try await gateway(records).ensure { told.add($0) }
      #expect(identity.workload != name)
      #expect(identity.token != Array(repeating: 0xab, count: 32))
      #expect(journal.all == [identity.workload])
      #expect(
        told.all.contains {
          $0.contains("Deployment shop/\(AgentNames.base(name)) was not made here") && $0.contains("left alone")
        }, "\(told.all)")
      try await gateway(records).remove()
      #expect(cluster.deployments == [AgentNames.base(name)])
    }
  }

  @Test("One that someone put in our gateway's place is not used, however alike")
  func replaced() async throws {
    try await inCluster { cluster, _, _, gateway in
      let records = AgentRecords(path: nil)
      let first = try await gateway(records).ensure(progress: nil)
      let theirs = cluster.objects.withLock { $0[Cluster.path(.deployments, first.workload)]! }
      cluster.put(Cluster.path(.deployments, first.workload), theirs)
      let second = try await gateway(records).ensure(progress: nil)
      #expect(second.workload != first.workload && second.token != first.token)
    }
  }

  @Test("Ours that someone has changed is replaced, and said so")
  func changed() async throws {
    let edits: [(String, (Cluster, String) -> Void)] = [
      (
        "template",
        { cluster, name in
          cluster.change(.deployments, name) { object in
            object[path: "spec", "template", "spec", "hostPID"] = true
            object[path: "metadata", "generation"] = JSONValue((object.generation ?? 0) + 1)
          }
        }
      ),
      (
        "program",
        { cluster, name in
          cluster.replace(.configMaps, name) {
            $0["binaryData"] = ["agent-amd64": JSONValue(Data("evil".utf8).base64EncodedString())]
          }
        }
      ),
      ("the same program, made again", { cluster, name in cluster.replace(.configMaps, name) }),
      ("no token", { cluster, name in cluster.replace(.secrets, name) { $0["data"] = ["token": "!"] } }),
      (
        "another token",
        { cluster, name in
          cluster.replace(.secrets, name) {
            $0["data"] = ["token": JSONValue(Data(String(repeating: "ab", count: 32).utf8).base64EncodedString())]
          }
        }
      ),
      ("the same token, made again", { cluster, name in cluster.replace(.secrets, name) }),
      (
        "no Secret",
        { cluster, name in
          cluster.objects.withLock { objects in
            objects = objects.filter { !$0.key.hasPrefix(Cluster.path(.secrets, name)) }
          }
        }
      ),
    ]
    for (what, edit) in edits {
      try await inCluster { cluster, told, _, gateway in
        let records = AgentRecords(path: nil)
        let first = try await gateway(records).ensure(progress: nil)
        edit(cluster, first.workload)
        let second = try await gateway(records).ensure { told.add($0) }
        #expect(second.uid != first.uid && second.token != first.token, "\(what)")
        #expect(told.all.contains { $0.contains("is not as it was made here") }, "\(what)")
        #expect(cluster.deployments.count == 1, "\(what)")
      }
    }
  }

  @Test("Writes to the metadata of its Secret and ConfigMap, and tries to edit them, change nothing")
  func metadata() async throws {
    try await inCluster { cluster, told, _, gateway in
      let records = AgentRecords(path: nil)
      let first = try await gateway(records).ensure(progress: nil)
      for resource in [APIResource.configMaps, .secrets] {
        cluster.change(resource, first.workload) {
          $0[path: "metadata", "finalizers"] = ["example.com/sync"]
          $0[path: "metadata", "annotations", "backup"] = "yes"
          $0["data"] = ["token": "x"]
        }
      }
      let second = try await gateway(records).ensure { told.add($0) }
      #expect(second == first && told.all.isEmpty)
    }
  }

  @Test("A Secret or a ConfigMap that could be edited is not trusted", arguments: [APIResource.configMaps, .secrets])
  func flag(resource: APIResource) async throws {
    try await inCluster { cluster, _, _, gateway in
      let records = AgentRecords(path: nil)
      let first = try await gateway(records).ensure(progress: nil)
      cluster.objects.withLock { objects in
        for path in objects.keys where path.hasPrefix(Cluster.path(resource, first.workload)) {
          objects[path]?["immutable"] = nil
        }
      }
      #expect(try await gateway(records).ensure(progress: nil).uid != first.uid)
    }
  }

  @Test("Removes an agent that the journal names only if it is this installation's")
  func removeOwn() async throws {
    let other = String(repeating: "2b", count: 16)
    let cases: [(JSONValue, isOurs: Bool)] = [
      (
        ["devtunnel.dev/holder": "root@localhost", "devtunnel.dev/installation": JSONValue(Self.holder.installation!)],
        true
      ),
      (["devtunnel.dev/holder": "root@localhost"], true),
      (["devtunnel.dev/holder": "root@localhost", "devtunnel.dev/installation": JSONValue(other)], false),
      (["devtunnel.dev/holder": "bob@desk"], false), ([:], false), (["devtunnel.dev/holder": 7], false), ("x", false),
    ]
    for (annotations, isOurs) in cases {
      let cluster = Cluster()
      cluster.put(
        Cluster.path(.deployments, "gateway-1"),
        ["kind": "Deployment", "metadata": ["name": "devtunnel-gateway-1", "annotations": annotations]])
      try await withServer {
        cluster.answer($0, $1)
      } _: { client, _ in
        let manifests = AgentManifests(workload: "gateway-1", namespace: "shop", holder: Self.holder)
        let owner = try await AgentDeployer(
          client: client, installation: Installation(share: "/nowhere"), manifests: manifests
        ).removeOwn(inJournal: true)
        #expect((owner == nil) == isOurs, "\(annotations)")
        #expect(cluster.deployments.isEmpty == isOurs, "\(annotations)")
      }
    }
  }
}
