import ControlAPI
import Logging

/// The engine behind the control socket.
public func makeEngine(paths: ControlPaths, logger: Logger) -> any Engine { MissingEngine() }

/// Says that this build has no engine, for everything that needs one.
private struct MissingEngine: Engine {
  private static let missing = ControlError(.failed, "the engine is not built in", remedy: "use a complete build of devtunnel")

  func intercept(_ request: InterceptRequest, progress: @escaping Progress) async throws -> InterceptReport { throw Self.missing }
  func leave(_ request: LeaveRequest, progress: @escaping Progress) async throws -> [LeaveReport] { throw Self.missing }
  func forward(_ request: ForwardRequest, progress: @escaping Progress) async throws -> ForwardReport { throw Self.missing }
  func stopForward(_ request: StopForwardRequest) async throws { throw Self.missing }
  func list(_ cluster: ClusterSelection, allNamespaces: Bool) async throws -> [ListEntry] { throw Self.missing }
  func status() async -> StatusReport { StatusReport(daemon: nil) }
  func restore(_ request: RestoreRequest, progress: @escaping Progress) async throws -> RestoreReport { throw Self.missing }
  func doctor(_ cluster: ClusterSelection, progress: @escaping Progress) async -> [DoctorCheck] {
    [DoctorCheck("engine", .failed, Self.missing.message, remedy: Self.missing.remedy)]
  }
  func recover() async {}
  func shutDown(progress: @escaping Progress) async {}
}
