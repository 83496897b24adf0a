import Exchanges

/// `devtunnel requests`.
public struct RequestsRequest: ControlRequest {
  public typealias Reply = RequestsReport
  public static var method: Method { .requests }

  /// A Service, or a target such as `pod/db-0`; nil: all.
  public var service: String?
  /// nil: all.
  public var context: String?
  public var namespace: String?
  /// True to continue with those that end later.
  public var follow = false
  /// The number that the daemon keeps of each Service from now on; nil: as before.
  public var keep: Int?
  public var bodies = false
  public var showSecrets = false
  /// False to leave out fields, and to show a part of very many.
  public var isDetailed = false

  public init(service: String? = nil, context: String? = nil, namespace: String? = nil) {
    self.service = service
    self.context = context
    self.namespace = namespace
  }
}

/// An item of the answer to a `RequestsRequest`: one of the two.
public struct RequestsItem: Codable, Sendable, Hashable {
  public var exchange: Exchange?
  /// The number of exchanges that came too fast to be shown here.
  public var lost: Int?

  public init(exchange: Exchange? = nil, lost: Int? = nil) {
    self.exchange = exchange
    self.lost = lost
  }
}

/// The end of the answer to a `RequestsRequest`.
public struct RequestsReport: Codable, Sendable, Hashable {
  /// The reasons for which there is nothing, or less than somebody may expect.
  public var notes: [String]

  public init(notes: [String]) { self.notes = notes }
}
