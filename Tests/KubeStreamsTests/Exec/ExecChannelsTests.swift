import KubeAPI
import Testing

@testable import KubeStreams

struct ExecChannelsTests {
  /// Stdout, stderr and status of messages that come in pieces.
  private func parts(_ messages: [[UInt8]], piecesOf size: Int) -> [String] {
    var channels = ExecChannels()
    var texts = ["", "", ""]
    for message in messages {
      channels.messageBegan()
      for start in stride(from: 0, to: message.count, by: size) {
        Array(message[start..<min(start + size, message.count)]).withUnsafeBytes { bytes in
          switch channels.part(bytes) {
          case .stdout(let bytes): texts[0] += String(decoding: bytes, as: UTF8.self)
          case .stderr(let bytes): texts[1] += String(decoding: bytes, as: UTF8.self)
          case .status(let bytes): texts[2] += String(decoding: bytes, as: UTF8.self)
          case nil: break
          }
        }
      }
    }
    return texts
  }

  @Test("Channels are distinguished, in any pieces", arguments: [1, 2, 100])
  func channels(size: Int) {
    let messages: [[UInt8]] = [
      [1], [1] + Array("out".utf8), [2] + Array("err".utf8), [1] + Array("put".utf8), [4, 9], [],
      [3] + Array("{}".utf8),
    ]
    #expect(parts(messages, piecesOf: size) == ["output", "err", "{}"])
  }

  @Test("The end: success, an exit code, or a command that did not run")
  func status() throws {
    #expect(try ExecStatus.exitCode(Array(#"{"status":"Success"}"#.utf8), server: "s") == 0)
    let failed =
      #"{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#
    #expect(try ExecStatus.exitCode(Array(failed.utf8), server: "s") == 7)
    #expect(throws: KubeError.self) {
      try ExecStatus.exitCode(Array(#"{"status":"Failure","reason":"InternalError","message":"m"}"#.utf8), server: "s")
    }
    #expect(throws: KubeError.self) { try ExecStatus.exitCode(Array("nonsense".utf8), server: "s") }
  }
}
