/// All that a kubeconfig alone can show of a cluster's identity, beside the server's URL. It contains no secret, and
/// nothing that is renewed.
extension ClusterAccess {
  /// SHA-256 of the certificate authority; nil for the system's authorities. Anyone may name a cluster's UID: the
  /// authority must not be one that they can imitate.
  public var authorityFingerprint: String? {
    certificateAuthority.map { Fingerprint.of(String(decoding: $0, as: UTF8.self).filter { !$0.isWhitespace }) }
  }

  /// SHA-256 of other settings that may distinguish clusters behind one address: the kubeconfig's user,
  /// tls-server-name and proxy-url.
  public var routeFingerprint: String {
    // A proxy's password is left out.
    let proxy = proxyURL?.split(separator: "@").last.map(String.init)
    return Fingerprint.of(([tlsServerName ?? "", proxy ?? ""] + user).joined(separator: "\u{0}"))
  }
}
