#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension [UInt8] {
  /// Decodes a value of a Secret's `data`; nil if it is no base64.
  public init?(base64 text: String) {
    guard let data = Data(base64Encoded: text) else { return nil }
    self = Array(data)
  }
}
