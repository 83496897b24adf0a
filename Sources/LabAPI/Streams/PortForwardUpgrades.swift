import NIOHTTP1
import LabStore
struct PortForwardUpgrades { let api: APIServer
  var upgraders: [any NIOTypedHTTPServerProtocolUpgrader<HTTPListener.Connection>] { [] } }
extension APIServer { func refusalOfPortForward(_ r: APIRequest, _ k: ObjectKey) async -> StatusError { .noSuchPath } }
