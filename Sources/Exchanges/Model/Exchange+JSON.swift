import FoundationEssentials

// The forms in JSON that people see, and that cross the control socket.

extension Exchange.Body {
  private enum CodingKeys: String, CodingKey { case text, base64, isWhole }

  /// Reads `text` or `base64`.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    if let text = try values.decodeIfPresent(String.self, forKey: .text) {
      bytes = Array(text.utf8)
    } else {
      bytes = Array(try values.decode(Data.self, forKey: .base64))
    }
    isWhole = try values.decodeIfPresent(Bool.self, forKey: .isWhole) ?? true
  }

  /// Writes text as such, and all else as base64.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    let isPlain = bytes.allSatisfy { $0 > 31 && $0 != 127 || $0 == 9 || $0 == 10 || $0 == 13 }
    if isPlain, let text = String(validating: bytes, as: UTF8.self) {
      try values.encode(text, forKey: .text)
    } else {
      try values.encode(Data(bytes), forKey: .base64)
    }
    try values.encode(isWhole, forKey: .isWhole)
  }
}

extension Exchange.Taker {
  private static let prefix = "holder "

  /// Reads `host`, `origin` or `holder NAME`.
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    switch text {
    case "host": self = .host
    case "origin": self = .origin
    default:
      guard text.hasPrefix(Self.prefix) else {
        throw DecodingError.dataCorrupted(
          DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "nobody is called \(text)"))
      }
      self = .holder(String(text.dropFirst(Self.prefix.count)))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .host: try value.encode("host")
    case .origin: try value.encode("origin")
    case .holder(let name): try value.encode(Self.prefix + name)
    }
  }
}
