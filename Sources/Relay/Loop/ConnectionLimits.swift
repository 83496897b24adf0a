#if !hasFeature(Embedded)
  /// The connections that a process may have open with its descriptors: the rest is for its own requests and its
  /// control socket, and no tunnel takes what others need.
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
