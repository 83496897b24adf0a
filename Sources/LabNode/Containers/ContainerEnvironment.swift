import Glibc
import KubeObjects
import LabStore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A container's environment: `envFrom`, then `env`, each later name winning, with references resolved against the
/// store.
struct ContainerEnvironment: Sendable {
  let store: any ObjectStoring
  let pod: PodReference

  /// - Throws: `containerConfig` in the kubelet's words if a reference that is not optional has no target, and for
  ///   more than a process can be given: variables may double one another.
  func variables(of container: JSONValue) async throws -> [(name: String, value: String)] {
    var list = VariableList()
    for source in container["envFrom"]?.elements ?? [] {
      let prefix = source["prefix"]?.stringValue ?? ""
      for (field, resource) in [("configMapRef", Resource.configMaps), ("secretRef", .secrets)] {
        guard let reference = source[field], let name = reference["name"]?.stringValue else { continue }
        guard let object = try await find(resource, name, isOptional: reference["optional"]?.boolValue ?? false) else {
          continue
        }
        for (key, bytes) in ObjectData.entries(of: object).sorted(by: { $0.key < $1.key }) {
          try list.set(prefix + key, String(decoding: bytes, as: UTF8.self))
        }
      }
    }
    for variable in container["env"]?.elements ?? [] {
      guard let name = variable["name"]?.stringValue else { continue }
      if let source = variable["valueFrom"] {
        if let value = try await value(from: source, in: container) { try list.set(name, value) }
      } else {
        let text = variable["value"]?.stringValue ?? ""
        try list.set(name, VariableExpansion.expand(text, list.values, limit: VariableExpansion.longestString))
      }
    }
    return list.pairs
  }

  private func value(from source: JSONValue, in container: JSONValue) async throws -> String? {
    if let path = source[path: "fieldRef", "fieldPath"]?.stringValue { return try FieldReference.value(path, of: pod) }
    if let reference = source["resourceFieldRef"] {
      return try ResourceReference.value(reference, of: pod, in: container)
    }
    for (field, resource) in [("configMapKeyRef", Resource.configMaps), ("secretKeyRef", .secrets)] {
      guard let reference = source[field], let name = reference["name"]?.stringValue,
        let key = reference["key"]?.stringValue
      else { continue }
      let isOptional = reference["optional"]?.boolValue ?? false
      guard let object = try await find(resource, name, isOptional: isOptional) else { return nil }
      if let bytes = ObjectData.entries(of: object)[key] { return String(decoding: bytes, as: UTF8.self) }
      if isOptional { return nil }
      let kind = resource == .secrets ? "Secret" : "ConfigMap"
      throw LabNodeError(.containerConfig, "couldn't find key \(key) in \(kind) \(pod.namespace)/\(name)")
    }
    throw LabNodeError(.containerConfig, "env valueFrom of a kind that the lab does not know: \(source)")
  }

  private func find(_ resource: Resource, _ name: String, isOptional: Bool) async throws -> JSONValue? {
    if let object = try? await store.get(ObjectKey(resource, namespace: pod.namespace, name: name)) { return object }
    if isOptional { return nil }
    throw LabNodeError(.containerConfig, "\(resource == .secrets ? "secret" : "configmap") \"\(name)\" not found")
  }
}

/// Variables in the order of their first appearance.
private struct VariableList {
  private var names: [String] = []
  private(set) var values: [String: String] = [:]
  private var size = 0
  var pairs: [(name: String, value: String)] { names.map { ($0, values[$0] ?? "") } }

  /// - Parameter value: nil for one that is too long.
  mutating func set(_ name: String, _ value: String?) throws {
    guard let value, value.utf8.count <= VariableExpansion.longestString else {
      throw Self.excess(name, "is longer than \(VariableExpansion.longestString >> 10) KiB")
    }
    size += name.utf8.count + value.utf8.count
    if let former = values.updateValue(value, forKey: name) {
      size -= name.utf8.count + former.utf8.count
    } else {
      names.append(name)
    }
    guard size <= VariableExpansion.mostBytes else {
      throw Self.excess(name, "makes more than \(VariableExpansion.mostBytes >> 20) MiB with those before it")
    }
  }

  private static func excess(_ name: String, _ problem: String) -> LabNodeError {
    LabNodeError(.containerConfig, "the variable \(name.prefix(253)) \(problem): no process can be given that")
  }
}

/// The entries of a ConfigMap or a Secret.
enum ObjectData {
  static func entries(of object: JSONValue) -> [String: [UInt8]] {
    let isSecret = object["kind"]?.stringValue == "Secret" || object["type"] != nil
    var entries: [String: [UInt8]] = [:]
    for (key, text) in object["data"]?.stringMap ?? [:] { entries[key] = isSecret ? decoded(text) : Array(text.utf8) }
    for (key, text) in object["binaryData"]?.stringMap ?? [:] { entries[key] = decoded(text) }
    for (key, text) in object["stringData"]?.stringMap ?? [:] { entries[key] = Array(text.utf8) }
    return entries
  }

  private static func decoded(_ text: String) -> [UInt8] { Data(base64Encoded: text).map(Array.init) ?? [] }
}

/// `resourceFieldRef`: a container's request or limit; without one, what the machine has.
enum ResourceReference {
  static func value(_ reference: JSONValue, of pod: PodReference, in container: JSONValue) throws -> String {
    guard let resource = reference["resource"]?.stringValue else {
      throw LabNodeError(.containerConfig, "resourceFieldRef without a resource")
    }
    let named = reference["containerName"]?.stringValue
    let owner = (pod.spec["containers"]?.elements ?? []).first { $0["name"]?.stringValue == named } ?? container
    let parts = resource.split(separator: ".", maxSplits: 1).map(String.init)
    guard parts.count == 2, ["limits", "requests"].contains(parts[0]) else {
      throw LabNodeError(.containerConfig, "unsupported container resource: \(resource)")
    }
    let stated = owner[path: "resources", parts[0], parts[1]] ?? owner[path: "resources", "limits", parts[1]]
    let amount = stated.flatMap(quantity) ?? fallback(parts[1], isLimit: parts[0] == "limits")
    let divisor = reference["divisor"].flatMap(quantity).flatMap { $0.value > 0 ? $0 : nil } ?? Quantity(value: 1)
    return String(amount.divided(by: divisor))
  }

  static func quantity(_ value: JSONValue) -> Quantity? {
    if let number = value.intValue { return Quantity(value: Double(number)) }
    return value.stringValue.flatMap { Quantity($0) }
  }

  private static func fallback(_ resource: String, isLimit: Bool) -> Quantity {
    switch resource {
    case _ where !isLimit: Quantity(value: 0)
    case "cpu": Quantity(value: Double(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    case "memory": Quantity(value: Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE))))
    default: Quantity(value: 0)
    }
  }
}

extension Quantity {
  init(value: Double) { self.value = value }
}
