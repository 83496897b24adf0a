import ControlAPI
import KubeAPI
import KubeObjects

/// A container's environment as the kubelet would make it, without `resourceFieldRef`.
public struct WorkloadEnvironment: Sendable {
  private let client: KubeClient
  private let namespace: String

  public init(client: KubeClient, namespace: String) {
    self.client = client
    self.namespace = namespace
  }

  /// Reads the container's variables.
  /// - Parameters:
  ///   - container: of a Pod template.
  ///   - pod: the Pod whose fields `fieldRef` names; without one, such variables are left out.
  ///   - services: the Services of the namespace, whose addresses Pods get (Kubernetes API, `enableServiceLinks`).
  public func read(_ container: JSONValue, pod: JSONValue? = nil, services: [JSONValue] = []) async throws(ControlError)
    -> [String: String]
  {
    var result: [String: String] = [:]
    for service in services { result.merge(ServiceLinks.variables(of: service)) { $1 } }
    for source in container["envFrom"]?.elements ?? [] {
      let prefix = source["prefix"]?.stringValue ?? ""
      for (resource, key) in [(APIResource.configMaps, "configMapRef"), (.secrets, "secretRef")] {
        guard let name = source[path: key, "name"]?.stringValue else { continue }
        for (key, value) in try await data(resource, name) { result[prefix + key] = value }
      }
    }
    for variable in container["env"]?.elements ?? [] {
      guard let name = variable.entryName else { continue }
      if let value = variable["value"]?.stringValue {
        // `value` may refer to the variables before it.
        result[name] = VariableExpansion.expand(value, result)
      } else if let reference = variable[path: "valueFrom", "configMapKeyRef"] {
        result[name] = try await value(.configMaps, reference)
      } else if let reference = variable[path: "valueFrom", "secretKeyRef"] {
        result[name] = try await value(.secrets, reference)
      } else if let path = variable[path: "valueFrom", "fieldRef", "fieldPath"]?.stringValue, let pod {
        result[name] = PodField.value(path, of: pod)
      } else if variable["valueFrom"] == nil {
        // The API server drops `value: ""`.
        result[name] = ""
      }
    }
    return result
  }

  private func value(_ resource: APIResource, _ reference: JSONValue) async throws(ControlError) -> String? {
    guard let name = reference["name"]?.stringValue, let key = reference["key"]?.stringValue else { return nil }
    return try await data(resource, name)[key]
  }

  private func data(_ resource: APIResource, _ name: String) async throws(ControlError) -> [String: String] {
    let object = try await attempt("reading \(resource.kind) \(namespace)/\(name) for the environment") {
      () async throws(KubeError) in
      try await client.find(resource, name, namespace: namespace)
    }
    let data = object?["data"]?.stringMap ?? [:]
    guard resource == .secrets else { return data }
    return data.compactMapValues { text in [UInt8](base64: text).map { String(decoding: $0, as: UTF8.self) } }
  }
}
