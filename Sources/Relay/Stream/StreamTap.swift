#if !hasFeature(Embedded)
  /// The place of a connection, for those who look at what passes.
  public struct TapPlace: Sendable, Hashable {
    public enum Way: Sendable, Hashable { case intercept, forward, shell }

    public var way: Way
    /// The kubeconfig context and the namespace.
    public var context: String
    public var namespace: String
    /// The Service or target.
    public var service: String
    public var port: Int

    public init(way: Way, context: String, namespace: String, service: String = "", port: Int = 0) {
      self.way = way
      self.context = context
      self.namespace = namespace
      self.service = service
      self.port = port
    }
  }

  /// Looks at the payload of one connection. It changes nothing, and nothing waits for it. Each method is overridden.
  open class StreamTap {
    public init() {}

    /// Sees bytes that the socket's peer sent.
    open func fromSocket(_ bytes: UnsafeRawBufferPointer) {}
    /// Sees bytes that the stream's other end sent.
    open func fromStream(_ bytes: UnsafeRawBufferPointer) {}
    open func socketEnded() {}
    open func streamEnded() {}
    /// Called if the connection is not made: its bytes went nowhere.
    open func refused() {}
    /// Called once, last.
    open func closed(reset: Bool) {}
  }

  /// Makes taps for new connections. Lives on the relay's thread.
  open class TapSource {
    public init() {}

    open func tap(_ place: TapPlace, _ loop: EventLoop) -> StreamTap? { nil }
  }
#endif
