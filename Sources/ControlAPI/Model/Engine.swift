/// What stands behind the control socket: everything that commands can ask for.
///
/// `progress` is called with short lines for a person while something takes long; errors are `ControlError`.
public protocol Engine: Sendable {
  typealias Progress = @Sendable (String) -> Void

  /// Returns once traffic of the Service arrives at the host.
  func intercept(_ request: InterceptRequest, progress: @escaping Progress) async throws -> InterceptReport
  /// Returns once new connections go to the origin again; draining goes on behind it.
  func leave(_ request: LeaveRequest, progress: @escaping Progress) async throws -> [LeaveReport]
  /// Returns once the ports listen and the way into the cluster stands.
  func forward(_ request: ForwardRequest, progress: @escaping Progress) async throws -> ForwardReport
  func stopForward(_ request: StopForwardRequest) async throws
  /// Returns once the way into the cluster stands and the helper can be started.
  func shell(_ request: ShellRequest, progress: @escaping Progress) async throws -> ShellReport
  /// Returns once the proxy listens.
  func connect(_ request: ConnectRequest, progress: @escaping Progress) async throws -> OutboundReport
  /// Returns once the helper can be started, with root's rights.
  func connectHost(_ request: ConnectRequest, progress: @escaping Progress) async throws -> ShellReport
  func disconnect(_ request: DisconnectRequest) async throws
  /// What a person has answered to a `BastionQuestion`.
  func answer(_ answer: BastionAnswer) async
  func list(_ cluster: ClusterSelection, allNamespaces: Bool) async throws -> [ListEntry]
  /// `daemon` is nil: the daemon fills itself in.
  func status() async -> StatusReport
  func restore(_ request: RestoreRequest, progress: @escaping Progress) async throws -> RestoreReport
  func doctor(_ cluster: ClusterSelection, progress: @escaping Progress) async -> [DoctorCheck]
  /// Undoes what an earlier daemon of this user left half done, from the journal.
  func recover() async
  /// Leaves every intercept and closes every forward: the daemon is about to end.
  /// - Returns: what could not be undone; the journal keeps it.
  func shutDown(progress: @escaping Progress) async -> [ControlError]
}

/// What went wrong, for a person: what, where, and what to do.
public struct ControlError: Error, Codable, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Codable, Sendable {
    case badInput, notFound, refused, conflict, forbidden, unreachable, timedOut, cancelled, failed, versionMismatch
    /// Something of ours stays in the cluster; the message says what.
    case incomplete
  }

  public var code: Code
  public var message: String
  /// What to do about it.
  public var remedy: String?
  /// Events, log lines and the like that explain it.
  public var details: [String]
  /// Set where a person's answer would let it go on.
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
