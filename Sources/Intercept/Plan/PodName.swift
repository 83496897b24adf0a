/// The name of one Pod in DNS: `HOSTNAME.SUBDOMAIN`, where the subdomain is a headless Service.
public struct PodName: Sendable, Hashable {
  public var hostname: String
  public var subdomain: String

  public init(hostname: String, subdomain: String) {
    self.hostname = hostname
    self.subdomain = subdomain
  }
}
