import LabStore
import Logging
struct Controllers { let store: any ObjectStoring; let nodeName: String; let logger: Logger
  func run() async { try? await Task.sleep(for: .seconds(1_000_000)) } }
