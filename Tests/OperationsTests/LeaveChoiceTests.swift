import ControlAPI
import Testing

@testable import Operations

struct LeaveChoiceTests {
  private static let a = ClusterIdentity(uid: "a", server: "https://a"),
    b = ClusterIdentity(uid: "b", server: "https://b")

  private static func one(
    _ cluster: ClusterIdentity, _ service: String = "user", namespace: String = "shop", context: String? = nil,
    kubeconfig: String = "/k"
  ) -> LeaveChoice.Candidate {
    LeaveChoice.Candidate(
      id: InterceptID(cluster: cluster, namespace: namespace, service: service), context: context ?? cluster.uid ?? "",
      kubeconfig: [kubeconfig])
  }

  struct Row: Sendable {
    var what: String
    var all: [LeaveChoice.Candidate]
    var request = LeaveRequest(service: "user")
    var cluster: ClusterIdentity?
    var chosen: [Int] = []
    /// Of the error, where there is one.
    var message: String?
    var remedy: String?
  }

  static let rows = [
    Row(what: "the only one", all: [one(a)], request: LeaveRequest(), chosen: [0]),
    Row(what: "a context chooses", all: [one(a), one(b)], cluster: b, chosen: [1]),
    Row(
      what: "two clusters", all: [one(a), one(b)],
      message: "user is intercepted more than once: shop/user in context a, shop/user in context b",
      remedy: "Choose with --context."),
    Row(
      what: "two clusters of one name",
      all: [one(a, context: "kind", kubeconfig: "/k1"), one(b, context: "kind", kubeconfig: "/k2")],
      message: "user is intercepted more than once: shop/user in context kind of /k1, shop/user in context kind of /k2",
      remedy: "Choose with --kubeconfig."),
    Row(
      what: "two namespaces", all: [one(a), one(a, namespace: "test")],
      message: "user is intercepted more than once: shop/user, test/user",
      remedy: "Choose with -n."),
    Row(
      what: "both", all: [one(a), one(a, namespace: "test"), one(b)],
      message:
        "user is intercepted more than once: shop/user in context a, test/user in context a, shop/user in context b",
      remedy: "Choose with --context and -n."),
    Row(
      what: "a namespace chooses", all: [one(a), one(a, namespace: "test")],
      request: LeaveRequest(namespace: "test", service: "user"), chosen: [1]),
    Row(
      what: "only in another cluster", all: [one(a)], cluster: b, message: "Service user is not intercepted there",
      remedy: "Intercepted: shop/user."),
    Row(
      what: "none at all", all: [], message: "Service user is not intercepted from here",
      remedy: "To undo what an earlier daemon or another machine left: `devtunnel restore`."),
    Row(
      what: "no name", all: [one(a), one(b)], request: LeaveRequest(),
      message: "several Services are intercepted: shop/user in context a, shop/user in context b",
      remedy: "Name one, or leave --all."),
    Row(
      what: "all of one cluster", all: [one(a), one(b), one(b, "cart")], request: LeaveRequest(all: true), cluster: b,
      chosen: [1, 2]),
    Row(what: "all", all: [one(a), one(b)], request: LeaveRequest(all: true), chosen: [0, 1]),
    Row(what: "all of nothing", all: [], request: LeaveRequest(all: true)),
    Row(what: "the very one", all: [one(a), one(b)], request: LeaveRequest(one(b).id), chosen: [1]),
    Row(
      what: "the very one, gone", all: [one(a)], request: LeaveRequest(one(b).id),
      message: "Service user is not intercepted from here"),
  ]

  @Test("Chooses the intercepts of a leave", arguments: rows)
  func choice(row: Row) {
    do throws(ControlError) {
      let chosen = try LeaveChoice(request: row.request, cluster: row.cluster).choose(among: row.all)
      #expect(chosen == row.chosen && row.message == nil, "\(row.what)")
    } catch {
      #expect(error.message == row.message, "\(row.what)")
      if let remedy = row.remedy { #expect(error.remedy == remedy, "\(row.what)") }
    }
  }
}
