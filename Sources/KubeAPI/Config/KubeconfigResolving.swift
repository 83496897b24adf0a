import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension Kubeconfig {
  /// Resolves a context to its cluster and user.
  /// - Parameters:
  ///   - context: nil for the current one.
  ///   - namespace: nil for the context's, else `default`.
  /// - Throws: `KubeError.config` naming the missing entry, and the ones that exist.
  public func access(context: String? = nil, namespace: String? = nil) throws(KubeError) -> ClusterAccess {
    let all = files.joined(separator: ":")
    guard let name = context ?? currentContext ?? (contexts.count == 1 ? contexts[0].name : nil) else {
      throw .config(
        file: all, problem: "no context is chosen",
        remedy: "pass --context, or set current-context, to one of: \(Self.list(contexts))")
    }
    let chosen = try find(name, in: contexts, "context", referrer: nil)
    let cluster = try find(chosen.value.cluster, in: clusters, "cluster", referrer: chosen.source)
    var access = ClusterAccess(
      contextName: name, server: try server(of: cluster), namespace: namespace ?? chosen.value.namespace ?? "default")
    try trust(cluster, &access)
    // A context without a user is anonymous.
    if !chosen.value.user.isEmpty {
      let user = try find(chosen.value.user, in: users, "user", referrer: chosen.source)
      access.credentials = try credentials(of: user, cluster: cluster, access)
      access.user = [user.name] + (user.value.exec.map { [$0.command] + $0.arguments } ?? [])
      access.impersonation = user.value.impersonation
    }
    return access
  }

  private static func list<Value>(_ entries: [Named<Value>]) -> String {
    entries.isEmpty ? "(none)" : entries.map(\.name).sorted().joined(separator: ", ")
  }

  private func find<Value>(_ name: String, in entries: [Named<Value>], _ kind: String, referrer: Source?)
    throws(KubeError) -> Named<Value>
  {
    if let entry = entries.first(where: { $0.name == name }) { return entry }
    throw .config(
      file: referrer?.file ?? files.joined(separator: ":"), line: referrer?.line,
      problem: "there is no \(kind) '\(name)'",
      remedy: "use one of: \(Self.list(entries))")
  }

  private func server(of cluster: Named<Cluster>) throws(KubeError) -> ServerURL {
    guard let text = cluster.value.server else {
      throw cluster.source.error("cluster '\(cluster.name)' has no server", "add the API server's URL")
    }
    guard let server = ServerURL(text) else {
      throw cluster.source.error("cluster '\(cluster.name)': '\(text)' is not a server", "write https://HOST:PORT")
    }
    return server
  }

  private func trust(_ cluster: Named<Cluster>, _ access: inout ClusterAccess) throws(KubeError) {
    let value = cluster.value
    access.tlsServerName = value.tlsServerName
    access.proxyURL = value.proxyURL
    if let proxy = value.proxyURL, !["http://", "https://", "socks5://"].contains(where: proxy.hasPrefix) {
      throw cluster.source.error(
        "cluster '\(cluster.name)': proxy-url '\(proxy)' cannot be used", "write http://, https:// or socks5://")
    }
    if let data = value.certificateAuthorityData {
      access.certificateAuthority = try decode(data, "certificate-authority-data", cluster.source)
    } else if let path = value.certificateAuthority {
      access.certificateAuthority = try readFile(cluster.source.resolve(path))
    }
    guard value.insecureSkipTLSVerify else { return }
    guard access.certificateAuthority == nil else {
      throw cluster.source.error(
        "cluster '\(cluster.name)' has a certificate authority and insecure-skip-tls-verify",
        "remove insecure-skip-tls-verify")
    }
    access.insecureSkipTLSVerify = true
    access.warnings.append(
      "cluster '\(cluster.name)' sets insecure-skip-tls-verify: "
        + "anyone on the network path can read and change what is sent, the credentials included"
    )
  }

  private func credentials(of user: Named<User>, cluster: Named<Cluster>, _ access: ClusterAccess) throws(KubeError)
    -> CredentialSource
  {
    let value = user.value
    if let provider = value.authProvider {
      throw user.source.error(
        "user '\(user.name)' logs in by auth-provider '\(provider)', which Kubernetes removed in 1.26",
        "use the credential plugin (exec) that took its place, such as kubelogin or gke-gcloud-auth-plugin")
    }
    var fixed = Credentials(bearerToken: value.token)
    if let username = value.username {
      fixed.basic = Credentials.Basic(username: username, password: value.password ?? "")
    }
    fixed.clientCertificate = try value.clientCertificateData.map { data throws(KubeError) in
      try decode(data, "client-certificate-data", user.source)
    }
    fixed.clientKey = try value.clientKeyData.map { data throws(KubeError) in
      try decode(data, "client-key-data", user.source)
    }
    let hasCertificate = value.clientCertificateData != nil || value.clientCertificate != nil
    guard hasCertificate == (value.clientKeyData != nil || value.clientKey != nil) else {
      throw user.source.error(
        "user '\(user.name)' has a client "
          + (hasCertificate ? "certificate without a key" : "key without a certificate"),
        "add the other one")
    }
    return CredentialSource(
      fixed, tokenFile: value.tokenFile.map(user.source.resolve),
      certificateFile: value.clientCertificate.map(user.source.resolve),
      keyFile: value.clientKey.map(user.source.resolve), plugin: value.exec.map { plugin($0, user, cluster, access) })
  }

  private func plugin(_ exec: Exec, _ user: Named<User>, _ cluster: Named<Cluster>, _ access: ClusterAccess)
    -> ExecPlugin
  {
    var information: JSONValue?
    if exec.provideClusterInfo {
      var spec: JSONValue = ["server": JSONValue(cluster.value.server ?? "")]
      if let name = access.tlsServerName { spec["tls-server-name"] = JSONValue(name) }
      if access.insecureSkipTLSVerify { spec["insecure-skip-tls-verify"] = true }
      if let authority = access.certificateAuthority {
        spec["certificate-authority-data"] = JSONValue(Data(authority).base64EncodedString())
      }
      if let proxy = access.proxyURL { spec["proxy-url"] = JSONValue(proxy) }
      if let configuration = cluster.value.execConfiguration { spec["config"] = configuration }
      information = spec
    }
    return ExecPlugin(
      // A bare name is searched in PATH; a path is relative to the file that names it.
      command: exec.command.contains("/") ? user.source.resolve(exec.command) : exec.command, arguments: exec.arguments,
      environment: exec.environment, apiVersion: exec.apiVersion, installHint: exec.installHint,
      interactiveMode: exec.interactiveMode,
      cluster: information)
  }

  private func decode(_ text: String, _ member: String, _ source: Source) throws(KubeError) -> [UInt8] {
    guard let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters), !data.isEmpty else {
      throw source.error(
        "\(member) is not base64", "encode the PEM file with base64, or name the file itself without '-data'")
    }
    return Array(data)
  }
}
