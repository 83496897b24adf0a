import ControlAPI
import KubeAPI
import Testing

@testable import Workloads

/// The messages are worded as an API server words them.
struct RefusalTests {
  static let messages: [(String, Refusal)] = [
    (
      #"""
      deployments.apps is forbidden: User "jane" cannot create resource "deployments" in API group "apps" in the \#
      namespace "shop"
      """#,
      .permission
    ),
    (
      #"""
      services "web" is forbidden: User "system:serviceaccount:a:b" cannot patch resource "services" in API group "" \#
      in the namespace "shop"
      """#,
      .permission
    ),
    (#"pods is forbidden: User "jane" cannot list pods in project "shop""#, .permission),
    (
      #"""
      pods "x" is forbidden:  (a port-forward over WebSocket needs both the verbs 'get' and 'create' on \#
      pods/portforward)
      """#,
      .permission
    ),
    (#"pods "x" is forbidden: "#, .permission),
    (
      #"""
      services "x" is forbidden: exceeded quota: small, requested: count/services=1, used: count/services=5, \#
      limited: count/services=5
      """#,
      .quota
    ),
    (#"pods "x" is forbidden: failed quota: small: must specify limits.cpu for: devtunnel-agent"#, .quota),
    (
      #"""
      pods "x" is forbidden: [minimum cpu usage per Container is 100m, but request is 10m, \#
      minimum memory usage per Container is 64Mi, but request is 16Mi]
      """#,
      .limitRange
    ),
    (#"pods "x" is forbidden: maximum memory usage per Pod is 1Gi.  No limit is specified"#, .limitRange),
    (
      #"pods "x" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 50.000000"#,
      .limitRange
    ),
    (
      #"""
      Pod "x" is invalid: spec.containers[0].resources.requests: Invalid value: "10m": must be less than or equal to \#
      cpu limit of 5m
      """#,
      .limitRange
    ),
    (
      #"""
      pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container \#
      "devtunnel-agent" must set …)
      """#,
      .podSecurity
    ),
    (#"admission webhook "policy.example" denied the request: User may not use resource quota names"#, .webhook),
    (#"Internal error occurred: failed calling webhook "policy.example": context deadline exceeded"#, .webhook),
    (
      #"""
      deployments.apps "x" is forbidden: ValidatingAdmissionPolicy 'owner' with binding 'owner' denied request: label \#
      owner is missing
      """#,
      .policy
    ),
    (#"pods "x" is forbidden: no runtime for this node"#, .admission),
  ]

  @Test("Told by their words", arguments: messages)
  func causes(message: String, cause: Refusal) {
    #expect(Refusal(message: message) == cause)
  }

  @Test("Only a missing permission is asked for")
  func remedies() {
    for (message, cause) in Self.messages {
      let remedy = ControlError(
        KubeError.status(code: 403, reason: "Forbidden", message: message, details: nil), doing: "x"
      ).remedy
      #expect((remedy?.contains("devtunnel doctor") == true) == (cause == .permission), "\(message)")
      #expect(remedy?.contains("--agent-image") == false, "\(message)")
    }
  }

  @Test("Another image only where the message is about one")
  func image() {
    let message = #"admission webhook "images.example" denied the request: image registry.example/user:1 is not signed"#
    #expect(Refusal(message: message)?.remedy(message).contains("--agent-image") == true)
  }

  @Test("A policy denies with 422")
  func policy() {
    let message = "ValidatingAdmissionPolicy 'owner' with binding 'owner' denied request: label owner is missing"
    let error = ControlError(
      KubeError.status(code: 422, reason: "Invalid", message: message, details: nil),
      doing: "creating Deployment shop/x")
    #expect(error.code == .refused)
    #expect(error.remedy?.contains("ValidatingAdmissionPolicy") == true)
  }

  @Test("An error without a known cause has no remedy, except a refused dial, which has no text")
  func others() {
    func remedy(_ code: Int, _ message: String) -> String? {
      ControlError(KubeError.status(code: code, reason: "", message: message, details: nil), doing: "x").remedy
    }
    #expect(remedy(404, #"pods "x" not found"#) == nil)
    #expect(remedy(422, #"Service "x" is invalid: spec.ports: Required value"#) == nil)
    #expect(
      remedy(
        403,
        #"services "x" is forbidden: unable to create new content in namespace shop because it is being terminated"#)
        == nil)
    #expect(remedy(403, "no explanation")?.contains("permission") == true)
  }
}
