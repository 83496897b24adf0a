import Glibc

@testable import LabNode

/// A directory that goes with its last owner.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/devtunnel-lab-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw LabNodeError(.systemCall, "mkdtemp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Files.remove(path) }
}
