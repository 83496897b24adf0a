import Exchanges
import HTTPMessages

/// The changes to the requests of `devtunnel open`, and to their answers: a browser sees the Service under the port
/// here, and the Service sees its own name and the mark.
public struct ForwardRewrite: Codable, Sendable, Hashable {
  /// The name that the Service sees, with the port unless that is 80; nil: `SERVICE.NAMESPACE`.
  public var host: String?
  /// Set on each request, in place of fields with the same names.
  public var fields: [Exchange.Field]
  /// Members that are added to `baggage`, such as `devtunnel=alice`.
  public var baggage: [String]

  public init(host: String? = nil, fields: [Exchange.Field] = [], baggage: [String] = []) {
    self.host = host
    self.fields = fields
    self.baggage = baggage
  }

  /// - Parameter host: the name that counts if there is no other.
  public func head(of host: String) -> HeadRewrite {
    var rewrite = HeadRewrite(
      host: Array((self.host ?? host).utf8),
      fields: fields.map { HeadRewrite.Field(name: Array($0.name.utf8), value: Array($0.value.utf8)) },
      baggage: baggage.map { Array($0.utf8) })
    rewrite.allowsHost = self.host != nil
    return rewrite
  }
}
