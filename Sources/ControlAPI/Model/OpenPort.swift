/// What a person is to know of a port that other machines reach: one that is not on loopback.
public enum OpenPort {
  public static func proxy(_ address: String) -> String {
    "other machines reach the proxy at \(address): who has its password is in the cluster, with your rights in its network. This machine's own addresses are not served there"
  }

  public static func forward(_ address: String) -> String {
    "other machines reach the forward at \(address): nobody is asked for a password, and what it leads to is as open to them as to you"
  }
}
