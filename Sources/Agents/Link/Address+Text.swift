import CLinux
import TunnelProtocol

extension Address {
  /// Returns the 4 or 16 bytes of "10.0.0.1" or "::1"; nil for anything else.
  public static func bytes(of text: String) -> [UInt8]? {
    var address = clinux_address()
    guard clinux_parse_address(text, &address) == 0 else { return nil }
    let count = address.family == 4 ? 4 : 16
    return withUnsafeBytes(of: address.bytes) { Array($0.prefix(count)) }
  }
}

extension clinux_address {
  /// Parses "10.0.0.1" or "::1"; nil for anything else.
  public init?(_ text: String, port: UInt16) {
    self.init()
    guard clinux_parse_address(text, &self) == 0 else { return nil }
    self.port = port
  }
}
