/// An action of the machine. It does one thing in the cluster, at the agent or on the host, and reports its outcome.
public enum Step: Hashable, Sendable {
  // In the cluster.

  /// Creates the agent with the claims, or adds them to the agent that exists. `joined` or `conflict`.
  case join([Wish])
  /// Reads the claims. `read`.
  case verify
  /// Adds our key to the Service's selector, if the claims are still ours. `done` or `read`.
  case divert(service: String)
  /// Gives the Service its own selector back; unless others claim it (`kept`), or `always`.
  case restore(service: String, always: Bool)
  /// Removes our claims through the Services. If no claims remain, and so no Service selects the agent, it marks the
  /// agent as closing. `released`.
  case release(services: Set<String>)
  /// Removes the agent if it is still marked as closing, and our Lease if no claim of ours remains.
  case clean(services: Set<String>)
  /// Scales the origin to zero.
  case scaleDown
  /// Scales the origin back, and waits until it answers.
  case scaleUp

  // At the agent.

  /// Makes the agent connect to the origin on a port.
  case probe(port: UInt16)
  /// Lets the agent be ready by its session alone.
  case admit
  /// Connects to the Service until the connections arrive at the agent, or for 2 s.
  case arrive(service: String)
  /// Sends new connections to the host, or the requests that meet the rules.
  case turn(port: UInt16, count: UInt64, rules: Set<String>? = nil)
  /// Sends new connections to the origin; with `matching`, the requests that met our rules.
  case unturn(port: UInt16, matching: Bool = false)
  /// Makes the agent fail its readiness.
  case retire

  // On the host.

  /// Waits for the connections of these ports to end, and cuts the rest, before a Service is released. `drained`.
  case drain(service: String, ports: Set<UInt16>, limit: Duration)

  /// The steps of one lane run one after the other.
  public enum Lane: CaseIterable, Hashable, Sendable { case cluster, agent, host }

  public var lane: Lane {
    switch self {
    case .join, .verify, .divert, .restore, .release, .clean, .scaleDown, .scaleUp: .cluster
    case .probe, .admit, .arrive, .turn, .unturn, .retire: .agent
    case .drain: .host
    }
  }
}
