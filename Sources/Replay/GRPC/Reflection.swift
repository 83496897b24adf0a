import Exchanges

/// The calls of gRPC's server reflection (grpc/reflection/v1/reflection.proto), which tells the types of a service.
enum Reflection {
  static let paths = ["v1", "v1alpha"].map { "/grpc.reflection.\($0).ServerReflection/ServerReflectionInfo" }

  /// The service of a method's path: `shop.Users` of `/shop.Users/Get`.
  static func service(of target: String) -> String? {
    let parts = target.split(separator: "/")
    return parts.count == 2 ? String(parts[0]) : nil
  }

  /// The request for the files with a service, at one of the paths.
  static func request(_ service: String, path: String, authority: String) -> ReplayRequest {
    let symbol = Array(service.utf8)
    // file_containing_symbol = 4
    let message = [0x22] + varint(symbol.count) + symbol
    return ReplayRequest(
      method: "POST", authority: authority, target: path,
      fields: [
        .init("content-type", "application/grpc"), .init("te", "trailers"), .init("grpc-accept-encoding", "identity"),
      ], body: GRPCFrames.frame(message), isHTTP2: true)
  }

  /// The files of an answer; none if it has another meaning.
  static func files(_ answer: Exchange.Answer) -> [[UInt8]] {
    GRPCFrames.messages(answer.body?.bytes ?? []).flatMap { message in
      // file_descriptor_response = 4, and in it file_descriptor_proto = 1.
      bytes(4, of: message).flatMap { bytes(1, of: $0) }
    }
  }

  private static func bytes(_ number: Int, of message: [UInt8]) -> [[UInt8]] {
    (ProtobufFields.all(message) ?? []).compactMap { field in
      guard field.number == number, case .bytes(let bytes) = field.value else { return nil }
      return bytes
    }
  }

  private static func varint(_ number: Int) -> [UInt8] {
    var rest = UInt(clamping: number)
    var result: [UInt8] = []
    while rest >= 0x80 {
      result.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return result + [UInt8(rest)]
  }
}
