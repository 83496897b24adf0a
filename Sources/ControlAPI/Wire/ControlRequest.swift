/// A request on the control socket: the parameters of its method, and the type of the answer.
public protocol ControlRequest: Codable, Sendable {
  associatedtype Reply: Codable & Sendable
  static var method: Method { get }
}

extension InterceptRequest: ControlRequest {
  public typealias Reply = InterceptReport
  public static var method: Method { .intercept }
}

extension ExplainRequest: ControlRequest {
  public typealias Reply = ExplainReport
  public static var method: Method { .explain }
}

extension LeaveRequest: ControlRequest {
  public typealias Reply = [LeaveReport]
  public static var method: Method { .leave }
}

extension ForwardRequest: ControlRequest {
  public typealias Reply = ForwardReport
  public static var method: Method { .forward }
}

extension StopForwardRequest: ControlRequest {
  public typealias Reply = Nothing
  public static var method: Method { .stopForward }
}

extension ShellRequest: ControlRequest {
  public typealias Reply = ShellReport
  public static var method: Method { .shell }
}

extension ConnectRequest: ControlRequest {
  public typealias Reply = OutboundReport
  public static var method: Method { .connect }
}

/// `devtunnel connect --host`: the same choices as for a proxy, for the whole machine.
public struct ConnectHostRequest: ControlRequest {
  public typealias Reply = ShellReport
  public static var method: Method { .connectHost }
  public var connect: ConnectRequest

  public init(_ connect: ConnectRequest) { self.connect = connect }
}

extension DisconnectRequest: ControlRequest {
  public typealias Reply = Nothing
  public static var method: Method { .disconnect }
}

extension BastionAnswer: ControlRequest {
  public typealias Reply = Nothing
  public static var method: Method { .answer }
}

extension ListRequest: ControlRequest {
  public typealias Reply = [ListEntry]
  public static var method: Method { .list }
}

/// `devtunnel status`.
public struct StatusRequest: ControlRequest {
  public typealias Reply = StatusReport
  public static var method: Method { .status }

  public init() {}
}

extension RestoreRequest: ControlRequest {
  public typealias Reply = RestoreReport
  public static var method: Method { .restore }
}

/// `devtunnel doctor`.
public struct DoctorRequest: ControlRequest {
  public typealias Reply = [DoctorCheck]
  public static var method: Method { .doctor }
  public var cluster: ClusterSelection

  public init(cluster: ClusterSelection) { self.cluster = cluster }
}

/// `devtunnel quit`.
public struct QuitRequest: ControlRequest {
  public typealias Reply = Nothing
  public static var method: Method { .quit }

  public init() {}
}
