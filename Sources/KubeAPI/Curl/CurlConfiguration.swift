import CCurl

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// All options that connect an easy handle to one cluster as one user: the same for REST, watches and
/// dialled connections.
enum CurlConfiguration {
  /// The time limit for name resolution, TCP, proxy and TLS together.
  static let connectTimeout = Duration.seconds(15)

  /// - Throws: `KubeError.transport` if libcurl refuses a value.
  static func apply(_ access: ClusterAccess, _ credentials: Credentials, target: String, to handle: CurlHandle)
    throws(KubeError)
  {
    let server = access.server
    let name = access.tlsServerName ?? server.host
    try handle.set(CURLOPT_URL, server.url(host: name) + target)
    try handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
    try handle.set(CURLOPT_PATH_AS_IS, 1)
    // libcurl names and verifies the URL's host, so the URL has the name, and this option the address.
    if access.tlsServerName != nil, access.connector == nil {
      try handle.set(
        CURLOPT_CONNECT_TO,
        list: ["\(ServerURL.bracketed(name)):\(server.port):\(ServerURL.bracketed(server.host)):\(server.port)"])
    }
    try trust(access, handle)
    if let certificate = credentials.clientCertificate, let key = credentials.clientKey {
      try handle.set(CURLOPT_SSLCERT_BLOB, blob: certificate)
      try handle.set(CURLOPT_SSLKEY_BLOB, blob: key)
    }
    if access.connector == nil { try proxy(access, handle) }
    try handle.set(CURLOPT_CONNECTTIMEOUT_MS, Int(connectTimeout.components.seconds) * 1000)
    // CURLOPT_QUICK_EXIT (7.87): a request that ends during its name lookup leaves that to the resolver's thread.
    // Otherwise libcurl waits for it, and with it every other request on the same thread.
    handle.setIfKnown(322, 1)
    try handle.set(CURLOPT_TCP_KEEPALIVE, 1)
    try handle.set(CURLOPT_TCP_KEEPIDLE, 15)
    try handle.set(CURLOPT_TCP_KEEPINTVL, 5)
    ccurl_setopt_socket(handle.pointer) { _, socket, _ in
      // Unacknowledged bytes count too: keep-alive alone does not notice a peer that vanished while we were
      // sending. Milliseconds.
      var limit: CUnsignedInt = 30_000
      setsockopt(socket, CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, &limit, socklen_t(MemoryLayout<CUnsignedInt>.size))
      return CInt(CURL_SOCKOPT_OK)
    }
    if let connector = access.connector {
      let socket = ConnectorSocket(connector, server: server)
      try socket.attach(to: handle, server)
      handle.connectorSocket = socket
    }
  }

  private static func trust(_ access: ClusterAccess, _ handle: CurlHandle) throws(KubeError) {
    if access.insecureSkipTLSVerify {
      try handle.set(CURLOPT_SSL_VERIFYPEER, 0)
      try handle.set(CURLOPT_SSL_VERIFYHOST, 0)
    } else if let authority = access.certificateAuthority {
      try handle.set(CURLOPT_CAINFO_BLOB, blob: authority)
      // Only the cluster's own authority counts, neither the system's nor the environment's.
      try handle.set(CURLOPT_CAINFO, nil)
      try handle.set(CURLOPT_CAPATH, nil)
    } else if let file = ProcessInfo.processInfo.environment["SSL_CERT_FILE"], !file.isEmpty {
      // kubectl takes the system's authorities from it as well.
      try handle.set(CURLOPT_CAINFO, file)
    }
  }

  /// Sets the proxy. Without proxy-url libcurl itself reads HTTPS_PROXY, ALL_PROXY and NO_PROXY.
  private static func proxy(_ access: ClusterAccess, _ handle: CurlHandle) throws(KubeError) {
    handle.proxy = ProxySetting(access)
    guard let proxy = access.proxyURL else { return }
    // Go resolves names at the proxy for socks5; libcurl does so only for socks5h.
    try handle.set(
      CURLOPT_PROXY, proxy.hasPrefix("socks5://") ? "socks5h://" + proxy.dropFirst("socks5://".count) : proxy)
    // kubectl's proxy-url has no exceptions.
    try handle.set(CURLOPT_NOPROXY, "")
  }

  /// Returns the headers that identify the user, for requests that libcurl or we ourselves write.
  static func headers(_ access: ClusterAccess, _ credentials: Credentials) -> [(String, String)] {
    var headers: [(String, String)] = []
    if access.tlsServerName != nil { headers.append(("Host", access.server.authority)) }
    headers.append(("User-Agent", "devtunnel"))
    if let token = credentials.bearerToken {
      headers.append(("Authorization", "Bearer \(token)"))
    } else if let basic = credentials.basic {
      headers.append(
        ("Authorization", "Basic " + Data("\(basic.username):\(basic.password)".utf8).base64EncodedString()))
    }
    if let impersonation = access.impersonation {
      headers.append(("Impersonate-User", impersonation.user))
      if let uid = impersonation.uid { headers.append(("Impersonate-Uid", uid)) }
      for group in impersonation.groups { headers.append(("Impersonate-Group", group)) }
      for (key, values) in impersonation.extra.sorted(by: { $0.key < $1.key }) {
        for value in values { headers.append(("Impersonate-Extra-" + percentEncoded(key), value)) }
      }
    }
    return headers
  }
}
