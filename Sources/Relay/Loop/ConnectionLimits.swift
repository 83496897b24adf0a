#if !hasFeature(Embedded)
  /// How many connections a process with so many descriptors may have open: the rest is for its own requests and its
  /// control socket, and no tunnel has what others need.
  public struct ConnectionLimits: Sendable, Equatable {
    /// Of all tunnels.
    public let all: Int
    /// Of one tunnel.
    public let tunnel: Int

    /// - Parameter openFiles: the limit of the process.
    public init(openFiles: Int) {
      let own = min(max(openFiles / 8, 192), 4096)
      all = max(openFiles - own, 16)
      tunnel = max(min(all / 4, 16_384), 4)
    }
  }
#endif
