import KubeObjects

/// A container's probe, read from its specification.
struct Probe: Sendable, Equatable {
  enum Action: Sendable, Equatable {
    case http(port: UInt16, path: String, host: String?, headers: [String], isSecure: Bool)
    case tcp(port: UInt16, host: String?)
    case exec([String])
    /// The lab has no such probe; the text says which.
    case unsupported(String)
  }

  var action: Action
  var initialDelay: Duration
  var period: Duration
  var timeout: Duration
  var successThreshold: Int
  var failureThreshold: Int

  /// - Parameter container: where a port given by name is looked up.
  init(_ probe: JSONValue, in container: JSONValue) {
    func number(_ key: String, _ fallback: Int) -> Int { probe[key]?.intValue ?? fallback }
    initialDelay = .stated(number("initialDelaySeconds", 0))
    period = .stated(max(1, number("periodSeconds", 10)))
    timeout = .stated(max(1, number("timeoutSeconds", 1)))
    successThreshold = max(1, number("successThreshold", 1))
    failureThreshold = max(1, number("failureThreshold", 3))
    action = Self.action(probe, container)
  }

  static func action(_ handler: JSONValue, _ container: JSONValue) -> Action {
    if let http = handler["httpGet"] {
      guard let port = port(http["port"], container) else {
        return .unsupported("httpGet's port \(http["port"] ?? .null) is no port of the container")
      }
      let headers = (http["httpHeaders"]?.elements ?? []).compactMap { header in
        header["name"]?.stringValue.map { "\($0): \(header["value"]?.stringValue ?? "")" }
      }
      return .http(
        port: port, path: http["path"]?.stringValue ?? "/", host: http["host"]?.stringValue, headers: headers,
        isSecure: http["scheme"]?.stringValue == "HTTPS")
    }
    if let tcp = handler["tcpSocket"] {
      guard let port = port(tcp["port"], container) else {
        return .unsupported("tcpSocket's port \(tcp["port"] ?? .null) is no port of the container")
      }
      return .tcp(port: port, host: tcp["host"]?.stringValue)
    }
    if let exec = handler["exec"] { return .exec((exec["command"]?.elements ?? []).compactMap(\.stringValue)) }
    return .unsupported("\(handler["grpc"] == nil ? "this kind of" : "a gRPC") probe is not supported by the lab")
  }

  private static func port(_ value: JSONValue?, _ container: JSONValue) -> UInt16? {
    if let number = value?.intValue { return UInt16(exactly: number) }
    guard let name = value?.stringValue else { return nil }
    let named = (container["ports"]?.elements ?? []).first { $0["name"]?.stringValue == name }
    return named?["containerPort"]?.intValue.flatMap(UInt16.init(exactly:)) ?? UInt16(name)
  }
}

enum ProbeResult: Sendable, Equatable {
  case success
  /// In the kubelet's words, for the Event.
  case failure(String)
}

/// A probe's result over time: thresholds turn single results into a verdict (Kubernetes: "Configure Probes").
struct ProbeVerdict: Sendable {
  private let probe: Probe
  private var successes = 0
  private var failures = 0
  private(set) var isPassing: Bool

  init(_ probe: Probe, initially isPassing: Bool) {
    self.probe = probe
    self.isPassing = isPassing
  }

  /// - Returns: whether a threshold has been reached with this result.
  mutating func take(_ result: ProbeResult) -> Bool {
    switch result {
    case .success:
      (successes, failures) = (successes + 1, 0)
      guard successes >= probe.successThreshold else { return false }
      isPassing = true
    case .failure:
      (successes, failures) = (0, failures + 1)
      guard failures >= probe.failureThreshold else { return false }
      isPassing = false
    }
    return true
  }
}
