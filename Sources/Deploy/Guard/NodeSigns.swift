import KubeObjects

/// The signs in a cluster's nodes of the machine it runs on. No I/O.
struct NodeSigns: Hashable {
  /// kind, minikube, k3d, k3s, docker-desktop, colima, rancher-desktop, microk8s, lab.
  var product: String?
  /// True if all nodes run on the kernel with this boot ID, which is unique in the world.
  var areOnThisKernel: Bool

  /// Products that only run on a developer's machine, if need be in a virtual machine there.
  static let workstationProducts: Set<String> = [
    "kind", "minikube", "k3d", "docker-desktop", "colima", "rancher-desktop", "lab",
  ]

  /// - Parameter bootID: of this machine (`/proc/sys/kernel/random/boot_id`); a node's is in `status.nodeInfo`.
  init(nodes: [JSONValue], bootID: String?) {
    areOnThisKernel =
      !nodes.isEmpty && bootID?.isEmpty == false
      && nodes.allSatisfy { $0[path: "status", "nodeInfo", "bootID"]?.stringValue == bootID }
    let products = Set(nodes.map(Self.product))
    product = products.count == 1 ? products.first ?? nil : nil
  }

  private static func product(_ node: JSONValue) -> String? {
    let name = node.name ?? ""
    let provider = node[path: "spec", "providerID"]?.stringValue ?? ""
    let version = node[path: "status", "nodeInfo", "kubeletVersion"]?.stringValue ?? ""
    if name == "docker-desktop" || node.labels["desktop.docker.io/mode"] != nil { return "docker-desktop" }
    if provider.hasPrefix("kind://") { return "kind" }
    if node.labels["minikube.k8s.io/name"] != nil { return "minikube" }
    if node.labels["microk8s.io/cluster"] != nil { return "microk8s" }
    if version.hasSuffix("-lab") { return "lab" }
    guard provider.hasPrefix("k3s://") || version.contains("+k3s") else { return nil }
    if name.hasPrefix("k3d-") { return "k3d" }
    if name == "colima" || name.hasPrefix("colima-") { return "colima" }
    return name == "lima-rancher-desktop" ? "rancher-desktop" : "k3s"
  }
}
