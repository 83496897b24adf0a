import KubeObjects

/// The end of a command, as the error stream reports it from version 4 on: a `Status`, whose cause `ExitCode` is the
/// exit status.
enum ExecStatus {
  static func ended(_ code: Int) -> JSONValue {
    if code == 0 { return ["metadata": [:], "status": "Success"] }
    return [
      "metadata": [:], "status": "Failure", "reason": "NonZeroExitCode",
      "message": .string("command terminated with non-zero exit code: command terminated with exit code \(code)"),
      "details": ["causes": [["reason": "ExitCode", "message": .string(String(code))]]],
    ]
  }

  /// It could not be started.
  static func failed(_ message: String) -> JSONValue {
    [
      "metadata": [:], "status": "Failure", "reason": "InternalError",
      "message": .string("Internal error occurred: \(message)"),
      "details": ["causes": [["message": .string(message)]]], "code": 500,
    ]
  }
}

/// A terminal's size in characters, as the resize stream tells it.
struct TerminalSize: Equatable {
  var columns: UInt16
  var rows: UInt16

  /// Takes the complete JSON objects from the front of a stream; nil for what is none.
  static func read(from text: inout [UInt8]) -> [TerminalSize] {
    var sizes: [TerminalSize] = []
    while let end = text.firstIndex(of: UInt8(ascii: "}")) {
      if let json = try? JSONValue(parsing: Array(text[...end])), let columns = json["Width"]?.intValue,
        let rows = json["Height"]?.intValue
      {
        sizes.append(TerminalSize(columns: UInt16(clamping: columns), rows: UInt16(clamping: rows)))
      }
      text.removeFirst(end + 1)
    }
    // A size is two numbers: what is longer comes from no terminal.
    if text.count > 1024 { text = [] }
    return sizes
  }
}
