import LabStore
import Logging

/// The parts of the node that a Pod's worker needs.
struct NodeServices: Sendable {
  let configuration: LabNodeConfiguration
  let directories: NodeDirectories
  let store: any ObjectStoring
  let network: NodeNetwork
  let images: ImageStore
  let runc: Runc
  let probes: NetworkProbe
  let events: EventRecorder
  let openFilesLimit: UInt64
  let logger: Logger
}
