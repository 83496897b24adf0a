import LabStore
import Logging

/// The control loops of the lab, together.
struct Controllers: Sendable {
  let store: any ObjectStoring
  let addresses: ServiceAddresses
  let nodeName: String
  let logger: Logger

  func run() async {
    let controllers: [any Controller] = [
      NamespaceController(store: store), Scheduler(store: store, nodeName: nodeName),
      DeploymentController(store: store),
      ReplicaSetController(store: store), EndpointSliceController(store: store),
    ]
    await withDiscardingTaskGroup { group in
      for controller in controllers {
        group.addTask { await ControllerRunner(controller, store: store, logger: logger).run() }
      }
      group.addTask { await ServiceAddressReclaimer(store: store, addresses: addresses).run() }
      group.addTask { await GarbageCollector(store: store, logger: logger).run() }
    }
  }
}
