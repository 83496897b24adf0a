/// The wanted part of a container's log (the query parameters of `pods/log`).
public struct LogOptions: Sendable {
  public var follow: Bool
  /// Lines from the end; nil: all.
  public var tailLines: Int?
  /// Only lines younger than this many seconds.
  public var sinceSeconds: Int?
  /// Only lines from this RFC 3339 time on.
  public var sinceTime: String?
  /// At most this many bytes.
  public var limitBytes: Int?
  /// Each line begins with its RFC 3339 time and a space.
  public var timestamps: Bool
  /// The log of the container's previous instance.
  public var previous: Bool

  public init(
    follow: Bool = false, tailLines: Int? = nil, sinceSeconds: Int? = nil, sinceTime: String? = nil,
    limitBytes: Int? = nil, timestamps: Bool = false,
    previous: Bool = false
  ) {
    self.follow = follow
    self.tailLines = tailLines
    self.sinceSeconds = sinceSeconds
    self.sinceTime = sinceTime
    self.limitBytes = limitBytes
    self.timestamps = timestamps
    self.previous = previous
  }
}

/// The byte streams of running containers, which the API server gets from the node as a real one does from the kubelet.
public protocol NodeStreams: Sendable {
  /// A connected TCP socket to a port on the Pod's loopback (as the kubelet's port-forward does), non-blocking; the
  /// caller owns it.
  /// - Throws: a `NodeStreamError`, whose message the client sees.
  func connect(namespace: String, pod: String, port: UInt16) async throws -> Int32

  /// Log lines of a container as raw bytes; `follow` keeps the stream open until the container ends or the reader
  /// leaves.
  /// - Throws: a `NodeStreamError`, whose message the client sees.
  func logs(namespace: String, pod: String, container: String?, options: LogOptions) async throws
    -> AsyncThrowingStream<[UInt8], any Error>

  /// Starts a command in a running container, as the container's user and with its environment.
  /// - Throws: a `NodeStreamError`, whose message the client sees.
  func exec(namespace: String, pod: String, _ request: ExecRequest) async throws -> ExecProcess
}

/// The reason why the node has no stream to give.
public struct NodeStreamError: Error, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The Pod is not on this node or has no sandbox yet.
    case podNotRunning
    /// The Pod has no such container, or its name is needed to choose one.
    case noSuchContainer
    /// Nothing listens on the Pod's port.
    case connectionRefused
    /// Any other failure of the node.
    case failed
  }

  public var code: Code
  public var message: String
  public var description: String { message }

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}
