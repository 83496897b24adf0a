import ControlAPI
import KubeAPI

/// One thing that RBAC, or another authorizer, must allow in a namespace.
public struct Permission: Sendable, Hashable, CustomStringConvertible {
  public var verb: String
  public var resource: APIResource
  public var subresource: String?

  public init(_ verb: String, _ resource: APIResource, _ subresource: String? = nil) {
    self.verb = verb
    self.resource = resource
    self.subresource = subresource
  }

  /// `delete deployments.apps`.
  public var description: String { "\(verb) \(resource)\(subresource.map { "/\($0)" } ?? "")" }

  /// What an agent takes that shows only after it has been made: the tunnel to it, and its removal.
  public static let toKeepAgents = [
    Permission("get", .pods, "portforward"), Permission("delete", .deployments), Permission("delete", .configMaps),
    Permission("delete", .secrets),
  ]

  /// The same for an intercept, which makes Services and a Lease too, and must stay the Lease's holder.
  public static let toIntercept =
    toKeepAgents + [
      Permission("patch", .services), Permission("delete", .services), Permission("update", .leases),
      Permission("delete", .leases),
    ]

  /// Refuses before anything is made what could not be kept or undone.
  /// - Parameter what: `an intercept`, for the message.
  public static func require(_ permissions: [Permission], for what: String, client: KubeClient, namespace: String)
    async throws(ControlError)
  {
    // An authorizer that cannot be asked says nothing against it.
    guard let missing = try? await client.missing(permissions, namespace: namespace), !missing.isEmpty else { return }
    throw ControlError(
      .forbidden,
      "\(what) needs more than your credentials allow in namespace \(namespace): \(missing.map(\.description).joined(separator: ", "))",
      remedy: "Nothing was made. \(Refusal.permission.remedy(""))")
  }
}

/// No tuple: one with a `Result` does not survive an optimized build.
private struct Answer: Sendable {
  var permission: Permission
  var isAllowed: Result<Bool, KubeError>
}

extension KubeClient {
  /// Which of these the user lacks, in their order (Kubernetes API, SelfSubjectAccessReview); asked all at once.
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
