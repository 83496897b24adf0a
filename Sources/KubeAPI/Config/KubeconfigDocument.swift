import KubeObjects

extension Kubeconfig {
  /// Reads one file's text.
  /// - Throws: `KubeError.config` with file, line and column of the unreadable part.
  public init(parsing text: String, file: String) throws(KubeError) {
    files = [file]
    guard let root = try ConfigNode(parsing: text, file: file) else { return }
    if let kind = try root["kind"]?.string(), kind != "Config" {
      throw root.error("'\(kind)' is not a kubeconfig", "kind must be Config")
    }
    currentContext = try root["current-context"]?.nonEmpty()
    clusters = try Self.entries(root, "clusters", "cluster", Self.cluster)
    users = try Self.entries(root, "users", "user", Self.user)
    contexts = try Self.entries(root, "contexts", "context", Self.context)
  }

  private static func entries<Value>(
    _ root: ConfigNode, _ list: String, _ member: String, _ read: (ConfigNode) throws(KubeError) -> Value
  ) throws(KubeError) -> [Named<Value>] {
    var entries: [Named<Value>] = []
    var names: Set<String> = []
    for node in try root[list]?.elements() ?? [] {
      guard let name = try node["name"]?.string() else {
        throw node.error("an entry of '\(list)' has no name", "give it one")
      }
      // The first of two entries wins within a file too.
      guard names.insert(name).inserted else { continue }
      entries.append(
        Named(
          name: name, value: try read(try node[member] ?? node.empty), source: Source(file: node.file, line: node.line))
      )
    }
    return entries
  }

  private static func cluster(_ node: ConfigNode) throws(KubeError) -> Cluster {
    var cluster = Cluster()
    cluster.server = try node["server"]?.nonEmpty()
    cluster.certificateAuthority = try node["certificate-authority"]?.nonEmpty()
    cluster.certificateAuthorityData = try node["certificate-authority-data"]?.nonEmpty()
    cluster.tlsServerName = try node["tls-server-name"]?.nonEmpty()
    cluster.insecureSkipTLSVerify = try node["insecure-skip-tls-verify"]?.bool() ?? false
    cluster.proxyURL = try node["proxy-url"]?.nonEmpty()
    for node in try node["extensions"]?.elements() ?? []
    where try node["name"]?.string() == "client.authentication.k8s.io/exec" {
      cluster.execConfiguration = try node["extension"]?.json
    }
    return cluster
  }

  private static func user(_ node: ConfigNode) throws(KubeError) -> User {
    var user = User()
    user.clientCertificate = try node["client-certificate"]?.nonEmpty()
    user.clientCertificateData = try node["client-certificate-data"]?.nonEmpty()
    user.clientKey = try node["client-key"]?.nonEmpty()
    user.clientKeyData = try node["client-key-data"]?.nonEmpty()
    user.token = try node["token"]?.nonEmpty()
    user.tokenFile = try node["tokenFile"]?.nonEmpty()
    user.username = try node["username"]?.nonEmpty()
    user.password = try node["password"]?.nonEmpty()
    user.exec = try node["exec"].map { node throws(KubeError) in try exec(node) }
    user.authProvider = try node["auth-provider"].map { node throws(KubeError) in try node["name"]?.string() ?? "" }
    if let name = try node["as"]?.nonEmpty() {
      var impersonation = Impersonation(user: name, uid: try node["as-uid"]?.nonEmpty())
      impersonation.groups = try node["as-groups"]?.strings() ?? []
      for (key, values) in try node["as-user-extra"]?.members() ?? [] {
        impersonation.extra[key] = try values.strings()
      }
      user.impersonation = impersonation
    }
    return user
  }

  private static func exec(_ node: ConfigNode) throws(KubeError) -> Exec {
    guard let command = try node["command"]?.nonEmpty() else {
      throw node.error("'exec' has no command", "name the credential plugin")
    }
    let version = try node["apiVersion"]?.nonEmpty() ?? ""
    guard ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"].contains(version) else {
      throw node.error(
        "'exec' has apiVersion '\(version)'",
        "use client.authentication.k8s.io/v1 or v1beta1; a newer plugin offers them")
    }
    var exec = Exec(command: command, apiVersion: version)
    exec.arguments = try node["args"]?.strings() ?? []
    for variable in try node["env"]?.elements() ?? [] {
      if let name = try variable["name"]?.string() { exec.environment[name] = try variable["value"]?.string() ?? "" }
    }
    exec.installHint = try node["installHint"]?.string().trimmed ?? ""
    exec.provideClusterInfo = try node["provideClusterInfo"]?.bool() ?? false
    if let mode = try node["interactiveMode"]?.nonEmpty() {
      guard let known = ExecPlugin.InteractiveMode(rawValue: mode) else {
        throw node.error("'exec' has interactiveMode '\(mode)'", "use Never, IfAvailable or Always")
      }
      exec.interactiveMode = known
    }
    return exec
  }

  private static func context(_ node: ConfigNode) throws(KubeError) -> Context {
    Context(
      cluster: try node["cluster"]?.string() ?? "", user: try node["user"]?.string() ?? "",
      namespace: try node["namespace"]?.nonEmpty())
  }
}
