/// The engine behind the control socket: it does everything that commands can ask for.
///
/// `progress` is called with short lines for a person while something takes long, and with an `EarlyWarning`'s; errors
/// are `ControlError`.
public protocol Engine: Sendable {
  typealias Progress = @Sendable (String) -> Void

  /// Returns once traffic of the Service arrives at the host.
  func intercept(_ request: InterceptRequest, progress: @escaping Progress) async throws -> InterceptReport
  /// Says who would get a request, by the present claims.
  func explain(_ request: ExplainRequest) async throws -> ExplainReport
  /// Returns once new connections go to the origin again; draining continues after that.
  func leave(_ request: LeaveRequest, progress: @escaping Progress) async throws -> [LeaveReport]
  /// Returns once the ports listen and the connection into the cluster is open.
  func forward(_ request: ForwardRequest, progress: @escaping Progress) async throws -> ForwardReport
  func stopForward(_ request: StopForwardRequest) async throws
  /// Returns once the connection into the cluster is open and the helper can be started.
  func shell(_ request: ShellRequest, progress: @escaping Progress) async throws -> ShellReport
  /// Returns once the proxy listens.
  func connect(_ request: ConnectRequest, progress: @escaping Progress) async throws -> OutboundReport
  /// Returns once the helper can be started, with root's rights.
  func connectHost(_ request: ConnectRequest, progress: @escaping Progress) async throws -> ShellReport
  func disconnect(_ request: DisconnectRequest) async throws
  /// Takes a person's answer to a `BastionQuestion`.
  func answer(_ answer: BastionAnswer) async
  func list(_ cluster: ClusterSelection, allNamespaces: Bool) async throws -> [ListEntry]
  /// Lists the Services that select the Pods of a workload, such as `deploy/web`.
  func services(of workload: String, in cluster: ClusterSelection) async throws -> [ListEntry]
  /// Reports everything but `daemon`, which is nil: the daemon fills it in.
  func status() async -> StatusReport
  /// Gives a signal after each change of `status`, from now on; counters may change without one.
  func changes() -> AsyncStream<Void>
  /// Gives the exchanges that are kept and, to a command that follows, those that end until its task is cancelled.
  /// `items` returns once the command may take more.
  func requests(_ request: RequestsRequest, items: @escaping @Sendable ([RequestsItem]) async -> Void) async throws
    -> RequestsReport
  func restore(_ request: RestoreRequest, progress: @escaping Progress) async throws -> RestoreReport
  func doctor(_ cluster: ClusterSelection, progress: @escaping Progress) async -> [DoctorCheck]
  /// Probes the hops of a Service's requests up to this machine, each now.
  func way(_ request: WayRequest, progress: @escaping Progress) async throws -> WayReport
  /// Undoes, from the journal, the changes that an earlier daemon of this user left.
  func recover() async
  /// Leaves every intercept and closes every forward, since the daemon is about to end.
  /// - Returns: the errors of what could not be undone; the journal keeps it.
  func shutDown(progress: @escaping Progress) async -> [ControlError]
}

/// An error for a person: what went wrong, where, and what to do.
public struct ControlError: Error, Codable, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Codable, Sendable {
    case badInput, notFound, refused, conflict, forbidden, unreachable, timedOut, cancelled, failed, versionMismatch
    /// Something of ours stays in the cluster; the message names it.
    case incomplete
  }

  public var code: Code
  public var message: String
  /// The advice on what to do.
  public var remedy: String?
  /// Events, log lines and the like that explain it.
  public var details: [String]
  /// Set if a person's answer would let the command continue.
  public var question: BastionQuestion?

  public init(_ code: Code, _ message: String, remedy: String? = nil, details: [String] = []) {
    self.code = code
    self.message = message
    self.remedy = remedy
    self.details = details
  }

  public var description: String {
    ([message] + details.map { "  " + $0 } + (remedy.map { [$0] } ?? [])).joined(separator: "\n")
  }
}
