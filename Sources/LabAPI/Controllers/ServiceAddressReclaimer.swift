import KubeObjects
import LabStore

/// Gives the addresses of deleted Services back, whoever deleted them.
struct ServiceAddressReclaimer: Sendable {
  let store: any ObjectStoring
  let addresses: ServiceAddresses

  func run() async {
    var revision: Int64?
    while !Task.isCancelled {
      guard let events = try? await store.watch(.services, after: revision) else {
        // Too far behind: what was deleted meanwhile keeps its address until the lab ends.
        revision = nil
        continue
      }
      for await event in events {
        revision = event.revision
        guard event.kind == .deleted, let address = event.object[path: "spec", "clusterIP"]?.stringValue else {
          continue
        }
        await addresses.release(address)
      }
    }
  }
}
