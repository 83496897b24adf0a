import LabStore
import Logging

/// What a Pod's worker needs of the node.
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
