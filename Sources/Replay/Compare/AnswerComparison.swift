import Exchanges
import KubeObjects

/// Compares an answer with the one that was kept.
public struct AnswerComparison {
  private let options: ReplayOptions
  /// Reads a message of gRPC; by numbers of fields without names.
  private let message: ([UInt8]) -> JSONValue

  public init(_ options: ReplayOptions, message: @escaping ([UInt8]) -> JSONValue = { ProtobufReader.untyped($0) }) {
    self.options = options
    self.message = message
  }

  /// The headers that are compared by value. Others change with each answer (`date`, `etag`, traces), or follow from
  /// the body; of `set-cookie` the names count.
  static let compared = [
    "access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods",
    "access-control-allow-origin", "allow", "cache-control", "content-disposition", "content-language", "content-type",
    "grpc-message", "grpc-status", "link", "location", "refresh", "www-authenticate",
  ]

  public func differences(_ exchange: Exchange, _ now: Exchange.Answer) -> [Difference] {
    guard let kept = exchange.answer else { return [] }
    var result: [Difference] = []
    if kept.status != now.status { result.append(Difference("status", "\(kept.status)", "\(now.status)")) }
    let (before, after) = (kept.fields + kept.trailers, now.fields + now.trailers)
    for name in Self.compared {
      let (first, second) = (Self.values(before, name), Self.values(after, name))
      guard first != second, first?.contains(ReplayPlan.hidden) != true else { continue }
      result.append(Difference(name, first ?? Difference.absent, second ?? Difference.absent))
    }
    let (first, second) = (Self.cookies(before), Self.cookies(after))
    if first != second { result.append(Difference("set-cookie", Self.list(first), Self.list(second))) }
    result.removeAll { options.ignores($0.field) }
    guard exchange.request.method != "HEAD", let body = kept.body, let other = now.body else { return result }
    return result + bodies(exchange, kept, body, now, other)
  }

  private static func values(_ fields: [Exchange.Field], _ name: String) -> String? {
    // A `grpc-message` without text is none.
    let values = fields.filter { $0.name.lowercased() == name && !$0.value.isEmpty }.map(\.value)
    guard !values.isEmpty else { return nil }
    let text = values.joined(separator: ", ")
    return name == "content-type" ? text.lowercased().filter { $0 != " " } : text
  }

  private static func cookies(_ fields: [Exchange.Field]) -> Set<String> {
    Set(fields.filter { $0.name.lowercased() == "set-cookie" }.map { String($0.value.prefix { $0 != "=" }) })
  }

  private static func list(_ names: Set<String>) -> String {
    names.isEmpty ? Difference.absent : names.sorted().joined(separator: ", ")
  }

  // MARK: Bodies

  private func bodies(
    _ exchange: Exchange, _ kept: Exchange.Answer, _ body: Exchange.Body, _ now: Exchange.Answer, _ other: Exchange.Body
  ) -> [Difference] {
    var first = body.bytes
    let coding = kept.fields.value("content-encoding")?.lowercased() ?? "identity"
    if coding != "identity", now.fields.value("content-encoding") == nil {
      // A browser keeps bodies unpacked.
      if ["gzip", "deflate", "x-gzip"].contains(coding), let plain = Inflate.unpack(first) {
        first = plain
      } else if String(validating: first, as: UTF8.self) == nil {
        return []
      }
    }
    let second = other.bytes
    if first == second { return [] }
    if exchange.isGRPC { return messages(first, second, isWhole: body.isWhole && other.isWhole) }
    let type = kept.fields.value("content-type")?.lowercased() ?? ""
    if body.isWhole, other.isWhole, type.contains("json") || first.first == UInt8(ascii: "{"),
      let one = try? JSONValue(parsing: first), let two = try? JSONValue(parsing: second)
    {
      var comparison = JSONComparison(ignoring: options.ignores)
      comparison.compare(one, two, at: "body")
      return comparison.differences
    }
    let count = min(first.count, second.count)
    let same = (0..<count).first { first[$0] != second[$0] } ?? count
    if same == count, !body.isWhole || !other.isWhole { return [] }
    guard !options.ignores("body") else { return [] }
    return [
      Difference(
        "body", "\(first.count) bytes, from byte \(same): \(Self.excerpt(first, same))",
        "\(second.count) bytes: \(Self.excerpt(second, same))")
    ]
  }

  private static func excerpt(_ bytes: [UInt8], _ start: Int) -> String {
    let part = bytes[min(start, bytes.count)...].prefix(16)
    let text = String(validating: part, as: UTF8.self)
    if part.isEmpty { return "nothing" }
    return text.map { JSONValue.string($0).description } ?? part.map { String($0, radix: 16) }.joined(separator: " ")
  }

  private func messages(_ first: [UInt8], _ second: [UInt8], isWhole: Bool) -> [Difference] {
    let (kept, now) = (GRPCFrames.messages(first), GRPCFrames.messages(second))
    var comparison = JSONComparison(ignoring: options.ignores)
    for index in 0..<max(kept.count, now.count) {
      guard index < kept.count, index < now.count else {
        if isWhole, !options.ignores("messages") {
          return comparison.differences + [Difference("messages", "\(kept.count)", "\(now.count)")]
        }
        break
      }
      guard kept[index] != now[index] else { continue }
      comparison.compare(message(kept[index]), message(now[index]), at: "message[\(index)]")
    }
    return comparison.differences
  }
}
