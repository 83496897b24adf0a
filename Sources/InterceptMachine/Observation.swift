/// A point in time: the time since any fixed one.
public typealias Instant = Duration

/// A Service to intercept.
public struct Wish: Hashable, Sendable {
  public var service: String
  /// The Pods' ports whose connections go to the host.
  public var ports: Set<UInt16>
  /// The texts of the rules that say which of their requests are meant; nil for all that arrives.
  public var rules: Set<String>?
  /// All ports on which the agent listens for the Service's Pods.
  public var listens: Set<UInt16>
  /// True to take ports from other holders, whether they live or not.
  public var takesOver: Bool
  /// True to scale the origin to zero: nothing can fail open then.
  public var replaces: Bool
  /// The time for which clients may still connect to an agent that is no endpoint any more: kube-proxy follows late,
  /// and those of a headless Service keep an address for a while.
  public var lag: Duration

  public init(
    service: String, ports: Set<UInt16>, listens: Set<UInt16> = [], takesOver: Bool = false, replaces: Bool = false,
    lag: Duration = InterceptMachine.proxyLag, rules: Set<String>? = nil
  ) {
    self.rules = rules
    self.lag = lag
    self.listens = listens.union(ports)
    self.service = service
    self.ports = ports
    self.takesOver = takesOver
    self.replaces = replaces
  }
}

/// The selector of a Service.
public enum Selector: Hashable, Sendable {
  /// Without our key. `changedBy` names the last writer if it is another program than devtunnel.
  case own(changedBy: String?)
  /// With our key: it selects the workload's agents.
  case diverted
  /// The Service was deleted.
  case gone
}

/// The ready Pods behind a Service, from its EndpointSlices.
public struct Listed: Hashable, Sendable {
  /// An agent is listed, on every port of the Service.
  public var agents: Bool
  public var origin: Bool

  public init(agents: Bool, origin: Bool) {
    self.agents = agents
    self.origin = origin
  }
}

/// The session with the agent.
public enum SessionEvent: Hashable, Sendable {
  case opened
  case closed
  /// Nothing has been heard for 5 s: the agent sends connections to the origin.
  case silent
  case heardAgain
}

/// The reason why a step failed.
public struct Failure: Error, Hashable, Sendable {
  public var text: String
  /// True if trying again can help, such as after a time-out.
  public var isPassing: Bool

  public init(_ text: String, isPassing: Bool) {
    self.text = text
    self.isPassing = isPassing
  }
}

/// The result of a step.
public enum Outcome: Hashable, Sendable {
  case done
  /// The claims as they are now, ours among them; `agent` identifies the agent that carries them.
  case joined(Claims, agent: String)
  /// Other holders have the ports.
  case conflict(Set<String>)
  /// The claims as they are now; nil if there is no agent.
  case read(Claims?)
  /// The agent is ready by our session. If not `isSteady`, it was not meant to be ready a moment ago, and the endpoints
  /// may list it by what was then.
  case admitted(isSteady: Bool)
  /// The Service stays diverted, since others claim it.
  case kept
  /// The agent knows a later claim to the port.
  case superseded
  /// Our claims are removed; if they were the last, the agent is marked as closing.
  case released(isLast: Bool)
  /// The number of connections that were cut.
  case drained(cut: Int)
  case failed(Failure)
}

/// Everything that the machine learns.
public enum Observation: Hashable, Sendable {
  /// The user wants this Service intercepted.
  case intercept(Wish)
  /// A former daemon of this installation intercepted it: that is to be undone.
  case undo(Wish)
  /// The user wants it no longer. Connections on the host may last for `drain`.
  case leave(service: String, drain: Duration)
  /// The next intercept waits: leave out what only spares a delay.
  case hurry
  case selector(service: String, Selector)
  case listed(service: String, Listed)
  /// Someone deleted the agent's Deployment.
  case agentDeleted
  case session(SessionEvent)
  /// The agent reports that it ends.
  case agentEnds
  /// The agent reports that another session has taken a port, or one of our rules there.
  case superseded(port: UInt16)
  case finished(Step, Outcome)
}
