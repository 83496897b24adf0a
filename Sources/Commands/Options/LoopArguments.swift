import ArgumentParser
import ControlAPI
import DevLoop
import HTTPMessages
import Replay

/// The options for a loop's run and end.
struct LoopArguments: ParsableArguments {
  @Flag(inversion: .prefixedNo, help: "Forward ports of what was deployed (default: yes).")
  var portForward: Bool?

  @Flag(help: "Let port-forwards listen on skaffold.yaml's addresses, even if other machines reach them.")
  var openPorts = false

  @Flag(inversion: .prefixedNo, help: "Show the logs of what was deployed (default: yes).")
  var tail: Bool?

  @Flag(name: .customLong("keep"), help: "Leave in the cluster what was deployed.")
  var keeps = false

  @Flag(help: "Delete at the end what was deployed (the default).")
  var cleanup = false

  @Flag(help: "Delete and recreate objects that refuse a change of an immutable field.")
  var recreate = false

  @Option(
    help: ArgumentHelp(
      "After each save, send the requests of this HAR again, and show the answers that differ.", valueName: "file"),
    completion: .file())
  var replay: String?

  @Option(
    help: ArgumentHelp(
      "The address to send them to (default: the port-forward of each one's Service).", valueName: "host:port"),
    transform: checked(ReplayPlace.parse))
  var replayTo: ReplayPlace?

  @Option(
    help: ArgumentHelp(
      "A field of the answers whose difference does not count, such as 'body.*.id'; may be repeated.",
      valueName: "field"),
    transform: checked(ReplayPattern.parse))
  var replayIgnore: [TextPattern] = []

  func validate() throws {
    if replay == nil, replayTo != nil || !replayIgnore.isEmpty {
      throw ValidationError("--replay-to and --replay-ignore need --replay FILE")
    }
    if keeps, cleanup { throw ValidationError("--keep and --cleanup exclude each other") }
  }

  /// True if what was deployed stays in the cluster.
  func keeps(_ context: LoopContext) throws(ControlError) -> Bool {
    let cleans = keeps ? false : cleanup ? true : nil
    return try !context.variables.isOn(.cleanup, cleans, default: true)
  }

  /// Returns the requests to send after each save; nil for none.
  func replaying() throws(ControlError) -> LoopReplay? {
    guard let replay else { return nil }
    let exchanges = try ReplayFile.read(replay)
    guard !exchanges.isEmpty else { throw ControlError(.badInput, "\(replay) has no requests") }
    return LoopReplay(
      exchanges, ReplayOptions(ignored: replayIgnore), to: replayTo.map { (host: $0.host, port: $0.port) })
  }

  func setup(_ context: LoopContext) throws(ControlError) -> LoopSetup {
    var setup = context.setup
    setup.recreate = try context.variables.isOn(.force, recreate ? true : nil, default: false)
    setup.followsLogs = try context.variables.isOn(.tail, tail, default: true)
    if try context.variables.isOn(.portForward, portForward, default: true) {
      setup.forwarder = { client in
        ControlForwarder(client: context.context.client(), cluster: context.selection(client))
      }
    }
    return setup
  }

  func options(_ context: LoopContext, _ patches: PatchArguments, namespace: String?) -> LoopOptions {
    var options = patches.options(context.setup.project)
    options.namespace = namespace
    options.opensPorts = openPorts
    options.portMemory = context.setup.stateDirectory + "/ports.json"
    return options
  }
}
