import ControlAPI
import Logging

/// The settings in `config.yaml`; each key is also a flag, and the flag wins. Described in docs/settings.md.
struct Settings: Sendable, Hashable {
  var kubeconfig: String?
  var context: String?
  var namespace: String?
  var output: OutputFormat?
  var logLevel: Logger.Level?
  var agentImage: String?
  /// In seconds.
  var drain: Double?
  var moveConnections: MoveConnections?
  var address: String?
  var portForwardProtocol: PortForwardProtocol?
  var via: String?
  var viaHostKey: String?
  /// `contexts: {NAME: {via: URL}}`.
  var viaByContext: [String: String] = [:]

  enum Key: String, CaseIterable {
    case kubeconfig, context, namespace, output, logLevel, agentImage, drain, moveConnections, address,
      portForwardProtocol, via, viaHostKey
  }
}

extension Settings {
  /// Sets one key from its text.
  /// - Throws: an error that names the accepted values.
  mutating func set(_ key: Key, _ text: String) throws(SettingProblem) {
    switch key {
    case .kubeconfig: kubeconfig = try Self.filled(text)
    case .context: context = try Self.filled(text)
    case .namespace: namespace = try Self.filled(text)
    case .output: output = try Self.one(of: OutputFormat.allCases, text)
    case .logLevel: logLevel = try Self.one(of: Logger.Level.allCases, text)
    case .agentImage: agentImage = try Self.filled(text)
    case .drain: drain = try Self.seconds(text)
    case .moveConnections: moveConnections = try Self.one(of: MoveConnections.allCases, text)
    case .address:
      do { address = try HostAddress.parse(text) } catch { throw SettingProblem(error.message) }
    case .via: via = try Self.filled(text)
    case .viaHostKey: viaHostKey = try Self.filled(text)
    case .portForwardProtocol: portForwardProtocol = try Self.one(of: PortForwardProtocol.allCases, text)
    }
  }

  private static func filled(_ text: String) throws(SettingProblem) -> String {
    guard !text.isEmpty else { throw SettingProblem("must not be empty; leave the key out instead") }
    return text
  }

  private static func seconds(_ text: String) throws(SettingProblem) -> Double {
    guard let value = Double(text), value >= 0, value.isFinite else {
      throw SettingProblem("must be a number of seconds, 0 or more, not \(text)")
    }
    return value
  }

  private static func one<Value: RawRepresentable<String>>(of all: [Value], _ text: String) throws(SettingProblem)
    -> Value
  {
    if let value = Value(rawValue: text) { return value }
    throw SettingProblem("must be one of \(all.map(\.rawValue).joined(separator: ", ")), not \(text)")
  }
}

/// The problem with a value; the caller knows the file, line and key.
struct SettingProblem: Error {
  var message: String
  init(_ message: String) { self.message = message }
}
