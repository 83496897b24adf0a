import ControlAPI
import KubeAPI

/// One thing that RBAC, or another authorizer, must allow in a namespace.
public struct Permission: Sendable, Hashable, CustomStringConvertible {
  /// An API verb, such as `delete`.
  public var verb: String
  public var resource: APIResource
  /// Such as `portforward`; nil for the resource itself.
  public var subresource: String?

  public init(_ verb: String, _ resource: APIResource, _ subresource: String? = nil) {
    self.verb = verb
    self.resource = resource
    self.subresource = subresource
  }

  /// `delete deployments.apps`.
  public var description: String { "\(verb) \(resource)\(subresource.map { "/\($0)" } ?? "")" }

  /// The permissions that an agent needs only after it has been made: for the tunnel to it, and for its removal.
  public static let toKeepAgents = [
    Permission("get", .pods, "portforward"), Permission("delete", .deployments), Permission("delete", .configMaps),
    Permission("delete", .secrets),
  ]

  /// The same for an intercept, which makes Services and a Lease too, and must remain the Lease's holder.
  public static let toIntercept =
    toKeepAgents + [
      Permission("patch", .services), Permission("delete", .services), Permission("patch", .leases),
      Permission("delete", .leases),
    ]

  /// Throws before anything is made if it could not be kept or undone.
  /// - Parameter what: the subject of the message, such as `an intercept`.
  public static func require(_ permissions: [Permission], for what: String, client: KubeClient, namespace: String)
    async throws(ControlError)
  {
    // An authorizer that cannot be asked doesn't forbid it.
    guard let missing = try? await client.missing(permissions, namespace: namespace), !missing.isEmpty else { return }
    throw ControlError(
      .forbidden,
      "\(what) needs more than your credentials allow in namespace \(namespace): "
        + missing.map(\.description).joined(separator: ", "),
      remedy: "Nothing was made. \(Refusal.permission.remedy(""))")
  }
}

/// A struct, since a tuple with a `Result` does not survive an optimized build.
private struct Answer: Sendable {
  var permission: Permission
  var isAllowed: Result<Bool, KubeError>
}

extension KubeClient {
  /// Returns those permissions that the user lacks, in order (Kubernetes API, SelfSubjectAccessReview); asks for all at
  /// once.
  public func missing(_ permissions: [Permission], namespace: String) async throws(KubeError) -> [Permission] {
    let answers = await withTaskGroup(of: Answer.self) { group in
      for permission in permissions {
        group.addTask {
          do throws(KubeError) {
            let review = try await selfSubjectAccessReview(
              verb: permission.verb, permission.resource, subresource: permission.subresource, namespace: namespace)
            return Answer(permission: permission, isAllowed: .success(review.isAllowed))
          } catch {
            return Answer(permission: permission, isAllowed: .failure(error))
          }
        }
      }
      return await group.reduce(into: [:]) { $0[$1.permission] = $1.isAllowed }
    }
    var missing: [Permission] = []
    for permission in permissions { if try !(answers[permission]?.get() ?? true) { missing.append(permission) } }
    return missing
  }
}
