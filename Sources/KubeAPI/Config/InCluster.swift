extension ClusterAccess {
  /// Returns the access from inside a Pod, as its ServiceAccount (kubernetes.io, "Accessing the
  /// Kubernetes API from a Pod").
  /// - Parameter directory: the one with the kubelet's token, ca.crt and namespace.
  /// - Returns: nil outside of a Pod.
  static func inCluster(
    namespace: String? = nil, environment: [String: String],
    directory: String = "/var/run/secrets/kubernetes.io/serviceaccount"
  ) throws(KubeError) -> ClusterAccess? {
    guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
      let port = environment["KUBERNETES_SERVICE_PORT"].flatMap({ UInt16($0) }), port > 0,
      let authority = try? readFile("\(directory)/ca.crt"), (try? readFile("\(directory)/token")) != nil
    else { return nil }
    let own = (try? readFile("\(directory)/namespace")).map { String(decoding: $0, as: UTF8.self).trimmed }
    return ClusterAccess(
      contextName: "in-cluster", server: ServerURL(scheme: .https, host: host, port: Int(port)),
      certificateAuthority: authority,
      namespace: namespace ?? own ?? "default", credentials: CredentialSource(tokenFile: "\(directory)/token"))
  }
}
