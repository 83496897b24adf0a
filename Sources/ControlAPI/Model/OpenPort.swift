/// Warnings about a port that other machines reach, because it is not on loopback.
public enum OpenPort {
  /// Returns the warning about a proxy.
  public static func proxy(_ address: String) -> String {
    "other machines reach the proxy at \(address): anyone with its password is in the cluster, "
      + "with your rights in its network. This machine's own addresses are not served there"
  }

  /// Returns the warning about a forward.
  public static func forward(_ address: String) -> String {
    "other machines reach the forward at \(address): it asks for no password, "
      + "and its target is as open to them as to you"
  }
}
