/// Who refused an object, told by the API server's words for it: the HTTP status is 403 for most of them.
public enum Refusal: Sendable, Hashable {
  /// RBAC, or another authorizer: `User "x" cannot VERB resource "y"`.
  case permission
  /// A ResourceQuota.
  case quota
  /// A LimitRange.
  case limitRange
  /// Pod Security admission, by the namespace's `pod-security.kubernetes.io/enforce`.
  case podSecurity
  /// A validating or mutating webhook.
  case webhook
  /// A ValidatingAdmissionPolicy (status 422 unless it names another reason).
  case policy
  /// Another admission plugin.
  case admission

  /// Nil for a message that no authorizer and no admission plugin writes.
  public init?(message: String) {
    // What webhooks and policies say is free text: it may quote all the rest.
    if message.contains("ValidatingAdmissionPolicy") {
      self = .policy
    } else if message.contains("admission webhook") || message.contains("failed calling webhook")
      || message.contains("denied the request")
    {
      self = .webhook
    } else if message.contains("violates PodSecurity") {
      self = .podSecurity
    } else if message.contains("exceeded quota") || message.contains("failed quota") {
      self = .quota
    } else if message.contains(
      /(minimum|maximum) .* usage per |limit to request ratio per |must be less than or equal to .* limit/)
    {
      self = .limitRange
    } else if message.contains(#/User ".*" cannot /#) {
      self = .permission
    } else if message.contains(/is forbidden: *($|\(a port-forward )/) {
      self = .permission  // an authorizer may keep its reason to itself, an admission plugin gives one
    } else if message.contains("is forbidden:"), !message.contains("being terminated") {
      self = .admission
    } else {
      return nil
    }
  }

  /// What to do about it.
  public func remedy(_ message: String) -> String {
    switch self {
    case .permission:
      return
        "Ask an administrator for that permission; `devtunnel doctor` lists all that are needed, and the ClusterRole `edit` in the namespace has them."
    case .quota where message.contains("failed quota"):
      return
        "The namespace's quota wants what the agent does not set: ask whoever keeps the ResourceQuota for a LimitRange with defaults."
    case .quota:
      return
        "Make room in the namespace's quota, or ask whoever keeps the ResourceQuota for more; `kubectl describe quota` shows what is used."
    case .limitRange:
      return
        "The agent fits itself to the namespace's LimitRanges where it may list them (templates/rbac.yaml): ask for that permission, "
        + "or whoever keeps the LimitRange; `kubectl describe limitrange` shows it."
    case .podSecurity:
      return
        "The agent takes the security context of the workload's Pod template over: bring that to the level that the namespace enforces, "
        + "or ask whoever keeps the namespace's label pod-security.kubernetes.io/enforce."
    case .webhook:
      return Self.aboutImage(message)
        ?? "Ask whoever keeps that webhook: its message says what it wants of Pods and Deployments."
    case .policy:
      return Self.aboutImage(message)
        ?? "Ask whoever keeps that ValidatingAdmissionPolicy: its message says what it wants."
    case .admission:
      return "The cluster's admission control forbids it, not a missing permission: ask whoever keeps the cluster."
    }
  }

  private static func aboutImage(_ message: String) -> String? {
    let words = message.lowercased()
    guard words.contains("image") || words.contains("registry") || words.contains("registries") else { return nil }
    return "--agent-image takes another image where a policy forbids this one; else ask whoever keeps the policy."
  }
}
