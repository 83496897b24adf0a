import KubeObjects

/// The files by which a Pod finds others: `/etc/hosts`, `/etc/resolv.conf`, `/etc/hostname`.
struct HostFiles: Sendable {
  let pod: PodReference
  let clusterDNS: String
  let clusterDomain: String

  var hosts: String {
    var lines = [
      "# Kubernetes-managed hosts file.", "127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback",
    ]
    if let address = pod.address {
      let subdomain =
        pod.spec["subdomain"]?.stringValue.map { "\(pod.hostname).\($0).\(pod.namespace).svc.\(clusterDomain)\t" } ?? ""
      lines.append("\(address)\t\(subdomain)\(pod.hostname)")
    }
    for alias in pod.spec["hostAliases"]?.elements ?? [] {
      let names = (alias["hostnames"]?.elements ?? []).compactMap(\.stringValue).joined(separator: "\t")
      lines.append("\(alias["ip"]?.stringValue ?? "")\t\(names)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// `Default` is the node's resolver, which knows the configured names outside the cluster and none of the cluster's.
  var resolvConf: String {
    var (nameservers, searches, options): ([String], [String], [String]) = ([], [], [])
    switch pod.spec["dnsPolicy"]?.stringValue ?? "ClusterFirst" {
    case "None": break
    case "Default": nameservers = [pod.hostAddress.description]
    default:
      nameservers = [clusterDNS]
      searches = ["\(pod.namespace).svc.\(clusterDomain)", "svc.\(clusterDomain)", clusterDomain]
      options = ["ndots:5"]
    }
    let own = pod.spec["dnsConfig"]
    func strings(_ key: String) -> [String] { (own?[key]?.elements ?? []).compactMap(\.stringValue) }
    nameservers += strings("nameservers").filter { !nameservers.contains($0) }
    searches += strings("searches").filter { !searches.contains($0) }
    for option in own?["options"]?.elements ?? [] {
      guard let name = option["name"]?.stringValue else { continue }
      options.removeAll { $0 == name || $0.hasPrefix(name + ":") }
      options.append(option["value"]?.stringValue.map { "\(name):\($0)" } ?? name)
    }
    return nameservers.map { "nameserver \($0)\n" }.joined()
      + (searches.isEmpty ? "" : "search \(searches.joined(separator: " "))\n")
      + (options.isEmpty ? "" : "options \(options.joined(separator: " "))\n")
  }
}
