import ControlAPI
import Testing

@testable import Commands

struct StandingTests {
  private let shop = Standing.Place.cluster(context: "dev", namespace: "shop")

  private func intercept(_ service: String, _ state: InterceptReport.State) -> InterceptReport {
    InterceptReport(
      context: "dev", cluster: .unknown, namespace: "shop", service: service, workload: "Deployment/\(service)",
      state: state, ports: [], holder: "me", since: "")
  }

  private func commands(_ standing: Standing) -> [String] { standing.steps.map(\.command) }

  @Test("At first: what can be intercepted, and how")
  func first() {
    let standing = Standing(place: shop, daemon: .absent)
    #expect(
      commands(standing) == [
        "devtunnel list", "devtunnel intercept SERVICE --port 8080", "devtunnel shell", "devtunnel --help",
      ])
    #expect(standing.lines[0] == "Context dev, namespace shop.")
    var project = standing
    project.hasProject = true
    #expect(commands(project).contains("devtunnel watch"))
  }

  @Test("Without a cluster, what is missing; the loop still works on another one")
  func noCluster() {
    let standing = Standing(place: .none(problem: "no kubeconfig was found", remedy: "set KUBECONFIG"), daemon: .absent)
    #expect(commands(standing) == ["devtunnel doctor", "devtunnel --help"])
    #expect(standing.lines[0] == "No cluster: no kubeconfig was found. To choose one, set KUBECONFIG.")
  }

  @Test("While something is intercepted: its requests, and the way back; first the reason if they do not arrive")
  func intercepted() {
    let active = StatusReport(daemon: nil, intercepts: [intercept("cart", .leaving), intercept("user", .active)])
    let standing = Standing(place: shop, daemon: .running(active))
    #expect(commands(standing) == ["devtunnel requests -f", "devtunnel leave user -n shop", "devtunnel --help"])
    #expect(standing.lines.contains("  user in shop: its requests arrive here"))
    let ailing = StatusReport(daemon: nil, intercepts: [intercept("user", .failedOpen)])
    #expect(
      commands(Standing(place: shop, daemon: .running(ailing)))[0] == "devtunnel explain user -n shop")
  }

  @Test("A daemon that does not answer: its log")
  func silent() {
    let standing = Standing(place: shop, daemon: .silent(pid: 7))
    #expect(commands(standing)[0] == "devtunnel logs" && standing.lines[1].contains("pid 7"))
  }

  @Test("The purposes are in one column")
  func columns() {
    let standing = Standing(place: shop, daemon: .absent)
    let lines = standing.lines.suffix(standing.steps.count)
    #expect(Set(zip(lines, standing.steps).map { $0.count - $1.purpose.count }).count == 1)
    #expect(zip(lines, standing.steps).allSatisfy { $0.hasSuffix($1.purpose) } && lines.allSatisfy { $0.count <= 100 })
  }
}
