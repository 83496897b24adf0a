/// The part of the cluster that refused an object, recognised by the API server's words: the HTTP status is 403 for
/// most.
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

  /// Recognises the refuser; nil for a message that no authorizer and no admission plugin writes.
  public init?(message: String) {
    // Check for webhooks and policies first: their free text may quote all the others.
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
      self = .permission  // an authorizer may omit its reason, an admission plugin gives one
    } else if message.contains("is forbidden:"), !message.contains("being terminated") {
      self = .admission
    } else {
      return nil
    }
  }

  /// Returns the advice for the user.
  public func remedy(_ message: String) -> String {
    switch self {
    case .permission:
      return
        "Ask an administrator for that permission; `devtunnel doctor` lists all that are needed, "
        + "and the ClusterRole `edit` in the namespace has them."
    case .quota where message.contains("failed quota"):
      return
        "The namespace's quota demands what the agent does not set: "
        + "ask the owner of the ResourceQuota for a LimitRange with defaults."
    case .quota:
      return
        "Make room in the namespace's quota, or ask the owner of the ResourceQuota for more; "
        + "`kubectl describe quota` shows what is used."
    case .limitRange:
      return
        "The agent fits itself to the namespace's LimitRanges if it may list them (templates/rbac.yaml): "
        + "ask for that permission, or ask the owner of the LimitRange; `kubectl describe limitrange` shows it."
    case .podSecurity:
      return
        "The agent has the security context of the workload's Pod template: "
        + "bring that to the level that the namespace enforces, "
        + "or ask the owner of the namespace's label pod-security.kubernetes.io/enforce."
    case .webhook:
      return Self.aboutImage(message)
        ?? "Ask the owner of that webhook: its message says what it demands of Pods and Deployments."
    case .policy:
      return Self.aboutImage(message)
        ?? "Ask the owner of that ValidatingAdmissionPolicy: its message says what it demands."
    case .admission:
      return "The cluster's admission control forbids it; no permission is missing. Ask the cluster's administrator."
    }
  }

  private static func aboutImage(_ message: String) -> String? {
    let words = message.lowercased()
    guard words.contains("image") || words.contains("registry") || words.contains("registries") else { return nil }
    return "Name another image with --agent-image if a policy forbids this one; else ask the policy's owner."
  }
}
