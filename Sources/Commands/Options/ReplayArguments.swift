import ArgumentParser
import ControlAPI
import Exchanges
import FoundationEssentials
import HTTPMessages
import Replay

/// An address that requests are sent to: `HOST:PORT`.
struct ReplayPlace: Hashable, Sendable {
  var host: String
  var port: UInt16

  static func parse(_ text: String) throws(ControlError) -> ReplayPlace {
    guard let colon = text.lastIndex(of: ":") else {
      return ReplayPlace(host: "127.0.0.1", port: try PortNumber.parse(text))
    }
    let host = text[..<colon].drop { $0 == "[" }.prefix { $0 != "]" }
    guard !host.isEmpty, host.utf8.allSatisfy({ $0.isTokenByte || $0 == 0x3a }) else {
      throw ControlError(.badInput, "write HOST:PORT, such as 127.0.0.1:8080, not \(text)")
    }
    return ReplayPlace(host: String(host), port: try PortNumber.parse(text[text.index(after: colon)...]))
  }
}

/// A pattern in which `*` is any text.
enum ReplayPattern {
  static func parse(_ text: String) throws(ControlError) -> TextPattern {
    guard !text.isEmpty, let pattern = TextPattern(Array(text.utf8)) else {
      throw ControlError(.badInput, "a backslash may precede only a star or a backslash, and nothing matches nothing")
    }
    return pattern
  }
}

/// The file with the requests.
enum ReplayFile {
  /// Reads a HAR; `-` is the standard input.
  /// - Throws: `.badInput` with the entry and the field.
  static func read(_ path: String) throws(ControlError) -> [Exchange] {
    let bytes: [UInt8]
    do {
      bytes = path == "-" ? input() : Array(try Data(contentsOf: URL(filePath: path)))
    } catch {
      throw ControlError(
        .badInput, "\(path) cannot be read: \(problem(path))",
        remedy: "`devtunnel requests -o har > FILE` writes one.")
    }
    do throws(HARError) { return try HARDocument.read(bytes) } catch {
      throw ControlError(
        .badInput, "\(path): \(error)",
        remedy: "It takes a HAR, as `devtunnel requests -o har` and browsers write it.")
    }
  }

  private static func input() -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count <= HARDocument.sizeLimit, let line = readLine(strippingNewline: false) { bytes += line.utf8 }
    return bytes
  }

  private static func problem(_ path: String) -> String {
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      return "there is no such file"
    }
    return isDirectory ? "it is a directory" : "it may not be read"
  }
}
