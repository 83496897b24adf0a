@testable import Replay

extension Harness {
  /// A file of types and a message, at the first `---`; and the whole as a packed body and as frames of gRPC.
  static let protobuf = Harness(name: "protobuf", maximumLength: 2048, dictionary: ["\n---\n", "\u{0A}\u{04}shop"]) {
    bytes in
    let mark = Array("\n---\n".utf8)
    let end = bytes.indices.first { bytes[$0...].starts(with: mark) } ?? bytes.count
    var types = ProtobufTypes()
    types.add(file: Array(bytes[..<end]))
    let message = Array(bytes[min(end + mark.count, bytes.count)...])
    for type in types.messages.keys.sorted().prefix(4) {
      _ = ProtobufReader(types).read(message, type: type).serialized()
    }
    _ = ProtobufReader.untyped(bytes).serialized()
    let frames = GRPCFrames.messages(bytes)
    try promise(frames.allSatisfy { $0.count <= Inflate.limit }, "a message is longer than the limit")
    if let plain = Inflate.unpack(bytes) {
      try promise(plain.count <= Inflate.limit, "a body is longer than the limit")
    }
  }
}
