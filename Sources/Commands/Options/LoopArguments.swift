import ArgumentParser
import DevLoop

/// The options for a loop's run and end.
struct LoopArguments: ParsableArguments {
  @Flag(inversion: .prefixedNo, help: "Forward ports of what was deployed.")
  var portForward = true

  @Flag(help: "Let port-forwards listen on skaffold.yaml's addresses, even if other machines reach them.")
  var openPorts = false

  @Flag(inversion: .prefixedNo, help: "Show the logs of what was deployed.")
  var tail = true

  @Flag(name: .customLong("keep"), help: "Leave in the cluster what was deployed.")
  var keeps = false

  @Flag(help: "Delete at the end what was deployed (the default).")
  var cleanup = false

  @Flag(help: "Delete and recreate objects that refuse a change of an immutable field.")
  var recreate = false

  func validate() throws {
    if keeps, cleanup { throw ValidationError("--keep and --cleanup exclude each other") }
  }

  func setup(_ context: LoopContext) -> LoopSetup {
    var setup = context.setup
    setup.recreate = recreate
    setup.followsLogs = tail
    if portForward {
      setup.forwarder = { client in
        ControlForwarder(client: context.context.client(), cluster: context.selection(client))
      }
    }
    return setup
  }

  func options(_ context: LoopContext, _ patches: PatchArguments, namespace: String?) -> LoopOptions {
    var options = patches.options(environment: context.environment, stateDirectory: context.setup.stateDirectory)
    options.namespace = namespace
    options.opensPorts = openPorts
    options.portMemory = context.setup.stateDirectory + "/ports.json"
    return options
  }
}
