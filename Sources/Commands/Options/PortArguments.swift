import ArgumentParser
import ControlAPI

// Ports as people write them. A port's name follows Kubernetes' rule (IANA_SVC_NAME, RFC 6335 section 5.1).

enum PortNumber {
  static func parse(_ text: some StringProtocol) throws(ControlError) -> UInt16 {
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let port = UInt16(text), port > 0
    else {
      throw ControlError(
        .badInput, "a port is a number from 1 to 65535, not \(text.isEmpty ? "nothing" : String(text))")
    }
    return port
  }

  /// Parses a port of a Service or container: its number or its name.
  static func parseRemote(_ text: some StringProtocol) throws(ControlError) -> String {
    guard let first = text.utf8.first else { throw ControlError(.badInput, "the port after the colon is missing") }
    if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first), let number = try? parse(text) { return String(number) }
    let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    let fits = text.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "-") }
    guard fits, text.utf8.count <= 63, text.utf8.contains(where: letters.contains), !text.hasPrefix("-"),
      !text.hasSuffix("-")
    else {
      throw ControlError(
        .badInput, "a port is a number from 1 to 65535 or a name of lower-case letters, digits and -, not \(text)")
    }
    return String(text)
  }
}

extension PortMapping {
  /// Parses `LOCAL[:REMOTE]`.
  init(argument: String) throws(ControlError) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2 else {
      throw ControlError(.badInput, "write HOST or HOST:SERVICE, such as 8080 or 8080:http, not \(argument)")
    }
    self.init(
      local: try PortNumber.parse(parts[0]), remote: parts.count == 2 ? try PortNumber.parseRemote(parts[1]) : nil)
  }

  /// Checks the mappings of one Service.
  /// - Throws: `.badInput` if a port of the Service is named twice, or one of several mappings names none.
  static func check(_ ports: [PortMapping]) throws(ControlError) {
    if ports.count > 1, ports.contains(where: { $0.remote == nil }) {
      throw ControlError(.badInput, "with several --port, each must name the Service's port: --port HOST:SERVICE")
    }
    var seen: Set<String> = []
    for case let remote? in ports.map(\.remote) where !seen.insert(remote).inserted {
      throw ControlError(.badInput, "the Service's port \(remote) is given twice")
    }
  }
}

/// `[SERVICE:]HOST[:PORT]`: a port mapping, and the Service that it is for. A Service's name begins with a letter.
struct ServicePort: Equatable {
  /// nil: the only one.
  var service: String?
  var mapping: PortMapping

  init(argument: String) throws(ControlError) {
    let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first?.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
      mapping = try PortMapping(argument: argument)
      return
    }
    guard parts.count == 2 else {
      throw ControlError(
        .badInput,
        "write HOST, HOST:PORT or SERVICE:HOST:PORT, such as 8080, 8080:http or web:8080:http, not \(argument)")
    }
    service = try ObjectName.parseService(String(parts[0]))
    mapping = try PortMapping(argument: String(parts[1]))
  }
}

extension [ServicePort] {
  /// Returns the mappings of a Service.
  func of(_ service: String) -> [PortMapping] {
    filter { $0.service == nil || $0.service == service }.map(\.mapping)
  }

  /// Checks the mappings of one command.
  /// - Throws: `.badInput` if one is for a Service that is not intercepted, or does not say for which of several.
  func check(_ services: [String]) throws(ControlError) {
    for port in self {
      if let service = port.service {
        guard services.contains(service) else {
          throw ControlError(
            .badInput, "--port \(service):… is for Service \(service), which is not intercepted here",
            remedy: "These are: \(services.joined(separator: ", ")).")
        }
      } else if services.count > 1 {
        throw ControlError(
          .badInput, "with several Services, each --port must name one: --port SERVICE:HOST:PORT",
          remedy: "Such as --port \(services[0]):\(port.mapping.local).")
      }
    }
    for service in services { try PortMapping.check(of(service)) }
  }
}

extension ForwardRequest.Port {
  /// Parses `[HOST:]PORT`: without HOST the same number, or any free port for a name; `:PORT` takes any free port.
  init(argument: String) throws(ControlError) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    switch parts.count {
    case 1:
      let remote = try PortNumber.parseRemote(parts[0])
      self.init(host: UInt16(remote) ?? 0, remote: remote)
    case 2:
      let anyPort = parts[0].isEmpty || parts[0] == "0"
      self.init(host: anyPort ? 0 : try PortNumber.parse(parts[0]), remote: try PortNumber.parseRemote(parts[1]))
    default: throw ControlError(.badInput, "write PORT or HOST:PORT, such as 8080 or 9000:http, not \(argument)")
    }
  }
}

/// Names of Kubernetes objects, as the command line takes them.
enum ObjectName {
  /// Parses a Service's name (RFC 1035 label).
  static func parseService(_ text: String) throws(ControlError) -> String {
    let name = text.hasPrefix("svc/") ? text.dropFirst(4) : text.hasPrefix("service/") ? text.dropFirst(8) : text[...]
    guard isName(name), name.utf8.count <= 63, !name.contains(".") else {
      throw ControlError(
        .badInput, "\(text) is no Service's name", remedy: "devtunnel list shows what can be intercepted")
    }
    return String(name)
  }

  /// Parses a Service's name, or a workload as `KIND/NAME`, which means all of its Services.
  static func parseIntercepted(_ text: String) throws(ControlError) -> String {
    guard text.contains("/"), !text.hasPrefix("svc/"), !text.hasPrefix("service/") else {
      return try parseService(text)
    }
    return try parseTarget(text)
  }

  /// Parses a namespace's name (RFC 1123 label). An empty one would mean all of them.
  static func parseNamespace(_ text: String) throws(ControlError) -> String {
    guard isName(text), text.utf8.count <= 63, !text.contains(".") else {
      throw ControlError(.badInput, "\(text.isEmpty ? "nothing" : text) is no namespace's name")
    }
    return text
  }

  /// Parses `NAME` or `KIND/NAME`.
  static func parseTarget(_ text: String) throws(ControlError) -> String {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let name = parts.last, isName(name), parts.count == 1 || isName(parts[0]) else {
      throw ControlError(
        .badInput, "\(text) is no target; write SERVICE or KIND/NAME, such as user, pod/user-0 or deploy/user")
    }
    return text
  }

  /// Checks for an RFC 1123 subdomain.
  private static func isName(_ text: some StringProtocol) -> Bool {
    let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    return !text.isEmpty && text.utf8.count <= 253 && !text.hasPrefix("-") && !text.hasSuffix("-")
      && text.utf8.allSatisfy {
        letters.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
      }
  }
}

/// Wraps a check of an argument's text, so that the parser shows its message as a usage error.
func checked<Value>(_ parse: @escaping @Sendable (String) throws(ControlError) -> Value)
  -> @Sendable (String) throws -> Value
{
  { text in
    do throws(ControlError) { return try parse(text) } catch { throw ValidationError(error.message) }
  }
}
