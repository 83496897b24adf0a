import KubeObjects
import LabStore
import NIOHTTP1

/// A request for a command, and the protocol that will carry its streams.
struct ExecOffer: Sendable, Equatable {
  enum Carrier: Sendable, Equatable {
    /// WebSocket messages whose first byte is their channel.
    case channels
    /// `Upgrade: SPDY/3.1`, without WebSocket.
    case spdy
  }

  /// Best first. Only version 5 can close the command's input over WebSocket; both tell the exit status as a `Status`.
  static let protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"]

  var request: ExecRequest
  var carrier: Carrier
  /// The agreed version; nil where a WebSocket client offered none and gets version 4's channels.
  var protocolName: String?

  /// - Throws: `StatusError` with the code that the API server gives: 405 for a WebSocket that is no GET, 403 for
  ///   protocols that are not known, 400 where the command, its streams or the upgrade are missing.
  init(method: HTTPMethod, headers: HTTPHeaders, query: QueryParameters) throws {
    let upgrade = headers.first(name: "upgrade")?.lowercased()
    guard upgrade == "websocket" || upgrade == "spdy/3.1" else {
      throw StatusError.badRequest("Upgrade request required")
    }
    carrier = upgrade == "websocket" ? .channels : .spdy
    guard carrier == .spdy || method == .GET else { throw StatusError.methodNotAllowed("a WebSocket upgrade is a GET") }
    let offered = headers[canonicalForm: carrier == .channels ? "sec-websocket-protocol" : "x-stream-protocol-version"]
      .map(String.init)
    protocolName = Self.protocols.first(where: offered.contains)
    guard protocolName != nil || (offered.isEmpty && carrier == .channels) else {
      throw StatusError(
        403, "Forbidden",
        "unable to upgrade: unable to negotiate protocol: client supports \(offered), server accepts \(Self.protocols)")
    }
    request = ExecRequest(
      container: query["container"].flatMap { $0.isEmpty ? nil : $0 }, command: query.all("command"),
      standardInput: query.flag("stdin"),
      standardOutput: query.flag("stdout"), standardError: query.flag("stderr"), hasTerminal: query.flag("tty"))
    guard !request.command.isEmpty else {
      throw StatusError.badRequest("you must specify at least 1 command for the container")
    }
    guard request.standardInput || request.standardOutput || request.standardError else {
      throw StatusError.badRequest("you must specify at least 1 of stdin, stdout, stderr")
    }
  }

  /// - Throws: `StatusError` where the Pod has no such container, or it does not run.
  func check(_ pod: JSONValue) throws {
    func names(_ list: String) -> [String] {
      (pod[path: "spec", list]?.elements ?? []).compactMap { $0["name"]?.stringValue }
    }
    let main = names("containers")
    guard let name = request.container ?? (main.count == 1 ? main[0] : nil) else {
      throw StatusError.badRequest(
        "a container name must be specified for pod \(pod.name), choose one of: [\(main.joined(separator: " "))]")
    }
    guard (main + names("initContainers")).contains(name) else {
      throw StatusError.badRequest("container \(name) is not valid for pod \(pod.name)")
    }
    let statuses = ["containerStatuses", "initContainerStatuses"].flatMap { pod[path: "status", $0]?.elements ?? [] }
    guard statuses.contains(where: { $0["name"]?.stringValue == name && $0[path: "state", "running"] != nil }) else {
      throw StatusError(404, "", "container not found (\"\(name)\")")
    }
  }
}
