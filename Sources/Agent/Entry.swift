import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// The agent's commands: `serve` is the Pod's process, `ready` its readiness probe.
public enum AgentProgram {
  /// Runs the command in the arguments; returns the exit status.
  public static func run(_ arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>, count: Int) -> Int32 {
    guard count >= 2, let verb = arguments[1] else { return usage() }
    guard var configuration = AgentConfiguration(arguments: arguments + 2, count: count - 2) else { return usage() }
    if strcmp(verb, "ready") == 0 { return ReadinessProbe.run(port: configuration.controlPort) }
    guard strcmp(verb, "serve") == 0 else { return usage() }
    if let token = getenv("DEVTUNNEL_TOKEN") { configuration.token = AgentConfiguration.token(hexadecimal: token) }
    configuration.complete(domain: ResolvConf().clusterDomain)
    guard !configuration.token.isEmpty else {
      log("DEVTUNNEL_TOKEN must hold 64 hexadecimal digits")
      return 2
    }
    configuration.inboundLimits = InboundLimits.ofProcess()
    let termination = clinux_termination_fd()
    guard let loop = EventLoop(), let server = AgentServer(loop: loop, configuration: configuration) else { return 1 }
    if termination >= 0 { server.endOn(termination) }
    loop.run()
    return 0
  }

  private static func usage() -> Int32 {
    log("usage: agent serve|ready --control PORT [--listen PORT,...] [--origin NAME --agents NAME] [--never-ready]")
    return 2
  }

  /// - Returns: whether it was logged: a message that clients can cause is logged once in ten seconds.
  @discardableResult
  static func log(_ message: StaticString, at now: UInt64, after last: inout UInt64) -> Bool {
    guard last == 0 || now - last >= 10_000_000 else { return false }
    last = now
    log(message)
    return true
  }

  static func log(_ message: StaticString) {
    let prefix: StaticString = "devtunnel-agent: "
    _ = clinux_write(2, prefix.utf8Start, prefix.utf8CodeUnitCount)
    _ = clinux_write(2, message.utf8Start, message.utf8CodeUnitCount)
    _ = clinux_write(2, "\n", 1)
  }
}

#if hasFeature(Embedded)
  /// The function that the C `main` of build-agent.sh calls.
  @_cdecl("devtunnel_agent_main")
  func agentMain(_ count: Int32, _ arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    AgentProgram.run(arguments, count: Int(count))
  }
#endif
