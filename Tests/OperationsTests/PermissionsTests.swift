import Foundation
import KubeAPI
import KubeObjects
import Testing
import Workloads

@testable import Operations

/// `doctor` asks for what templates/rbac.yaml grants, and the sources call no more than that.
struct PermissionsTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

  /// `VERB RESOURCE.GROUP/SUBRESOURCE`.
  private static var asked: [String] {
    ClusterOperations.permissions.map { "\($0.verb) \($0.resource)\($0.subresource.map { "/\($0)" } ?? "")" }
  }

  @Test("The template grants exactly what is asked for")
  func template() throws {
    let text = try String(contentsOf: Self.root.appending(path: "templates/rbac.yaml"), encoding: .utf8)
    let documents = try ManifestFile.objects(in: text, file: "rbac.yaml")
    try #require(documents.count == 2)
    #expect(documents[0].kind == "Role")
    #expect(documents[1].kind == "RoleBinding")
    #expect(documents[1]["roleRef"]?["name"] == documents[0]["metadata"]?["name"])
    var granted: [String] = []
    for rule in try #require(documents[0]["rules"]?.arrayValue) {
      for group in try Self.strings(rule["apiGroups"]) {
        for resource in try Self.strings(rule["resources"]) {
          let parts = resource.split(separator: "/", maxSplits: 1).map(String.init)
          let name = parts[0] + (group.isEmpty ? "" : ".\(group)") + (parts.count > 1 ? "/\(parts[1])" : "")
          for verb in try Self.strings(rule["verbs"]) { granted.append("\(verb) \(name)") }
        }
      }
    }
    #expect(Set(granted).count == granted.count, "a permission is granted twice")
    #expect(Set(granted) == Set(Self.asked))
  }

  @Test("Nothing is asked for twice")
  func once() {
    #expect(Set(Self.asked).count == Self.asked.count)
  }

  /// Calls that name their resource; those that take it from a variable are in `byVariable`.
  @Test("Every call in the sources has its permission")
  func calls() throws {
    let verbs = [
      "get": ["get"], "find": ["get"], "list": ["list"], "watch": ["list", "watch"], "create": ["create"],
      "update": ["update"], "patch": ["patch"],
      "delete": ["delete"],
    ]
    let call = /\.(get|find|list|watch|create|update|patch|delete)\([^()]*?\.([a-zA-Z]+)\b/
    var seen = 0
    for module in ["Agents", "Intercept", "Forward", "Operations"] {
      for file in try Self.swiftFiles("Sources/\(module)") {
        let text = try String(contentsOf: file, encoding: .utf8)
        for match in text.matches(of: call) {
          guard let resource = Self.resources[String(match.2)] else { continue }
          for verb in verbs[String(match.1)] ?? [] {
            seen += 1
            if resource.namespaced || resource == .namespaces {
              #expect(Self.asked.contains("\(verb) \(resource)"), "\(file.lastPathComponent): \(match.0)")
            }
          }
        }
      }
    }
    #expect(seen > 30, "the calls were not found")
    for (verb, resource) in Self.byVariable { #expect(Self.asked.contains("\(verb) \(resource)")) }
  }

  @Test("The template grants every permission that is checked beforehand")
  func beforehand() {
    for permission in Permission.toIntercept {
      #expect(ClusterOperations.permissions.contains(permission), "\(permission)")
    }
  }

  private static let resources: [String: APIResource] = [
    "services": .services, "pods": .pods, "configMaps": .configMaps, "secrets": .secrets, "events": .events,
    "leases": .leases, "nodes": .nodes,
    "persistentVolumeClaims": .persistentVolumeClaims, "resourceQuotas": .resourceQuotas, "limitRanges": .limitRanges,
    "namespaces": .namespaces,
    "deployments": .deployments, "statefulSets": .statefulSets, "replicaSets": .replicaSets, "daemonSets": .daemonSets,
    "endpointSlices": .endpointSlices,
  ]

  /// Workloads: read by the planner and forwards, watched while they are intercepted, patched by --replace and
  /// --move-connections. The agent's objects are created and deleted in loops.
  private static let byVariable: [(String, APIResource)] =
    ["get", "list", "watch", "patch"].flatMap { verb in
      [.deployments, .statefulSets, .replicaSets, .daemonSets].map { (verb, $0) }
    }
    + ["create", "delete"].flatMap { verb in [.configMaps, .secrets, .services, .deployments].map { (verb, $0) } }

  private static func strings(_ value: JSONValue?) throws -> [String] {
    try #require(value?.arrayValue).map { try #require($0.stringValue) }
  }

  private static func swiftFiles(_ folder: String) throws -> [URL] {
    let folder = root.appending(path: folder)
    let all = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    return all.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
  }
}
