import ControlAPI
import Exchanges
import HTTPMessages

/// The Service that `devtunnel open` opens: `SERVICE[:PORT]`, or a URL by which the cluster's programs reach one.
struct OpenTarget: Hashable, Sendable {
  var service: String
  /// nil: the command's.
  var namespace: String?
  /// By number or name; "" for the only one, or the one for HTTP.
  var port = ""
  /// The host as the URL has it, with a port; nil without a URL.
  var host: String?
  /// Path and query of the URL.
  var path = "/"

  static func parse(_ text: String) throws(ControlError) -> OpenTarget {
    guard let mark = text.firstRange(of: "://") else {
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      var target = OpenTarget(service: try ObjectName.parseService(String(parts[0])))
      if parts.count == 2 { target.port = try PortNumber.parseRemote(parts[1]) }
      return target
    }
    return try url(text[..<mark.lowerBound].lowercased(), text[mark.upperBound...])
  }

  private static func url(_ scheme: String, _ rest: Substring) throws(ControlError) -> OpenTarget {
    guard scheme == "http" else {
      throw ControlError(
        .badInput,
        scheme == "https"
          ? "a URL with https:// cannot be opened: the mark is set on plain HTTP; give the Service's port for that"
          : "a URL begins with http://, not \(scheme)://")
    }
    let host = rest.prefix { !"/?#".contains($0) }
    let path = rest[host.endIndex...].prefix { $0 != "#" }
    let parts = host.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let labels = (parts.first ?? "").split(separator: ".", omittingEmptySubsequences: false)
    guard labels.count <= 2 || labels[2] == "svc" else {
      throw ControlError(
        .badInput,
        "\(parts[0]) is no Service of the cluster: write http://SERVICE.NAMESPACE/, or the Service that "
          + "takes its requests (an ingress controller's), with --header host=\(parts[0])")
    }
    var target = OpenTarget(service: try ObjectName.parseService(labels.first.map(String.init) ?? ""))
    if labels.count > 1 { target.namespace = try ObjectName.parseNamespace(String(labels[1])) }
    target.port = parts.count == 2 ? String(try PortNumber.parse(parts[1])) : "80"
    target.host = host.lowercased()
    target.path = path.hasPrefix("/") ? String(path) : "/\(path)"
    return target
  }
}

/// A header field that `devtunnel open` sets: `NAME=VALUE`.
enum OpenHeader {
  static func parse(_ text: String) throws(ControlError) -> Exchange.Field {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.allSatisfy(\.isTokenByte) else {
      throw ControlError(.badInput, "write NAME=VALUE, such as x-tenant=blue")
    }
    guard !parts[1].utf8.contains(where: { $0 < 0x20 && $0 != 9 || $0 == 0x7f }) else {
      throw ControlError(.badInput, "the value has a control character")
    }
    let name = parts[0].lowercased()
    guard !["connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer"].contains(name) else {
      throw ControlError(.badInput, "\(name) belongs to the connection and cannot be set")
    }
    return Exchange.Field(name, String(parts[1]))
  }
}
