import Foundation

/// Programs that nobody wrote for this project, and the scripts beside this file that use them.
enum Interop {
  struct Running {
    let process: Process
    private let pipe: Pipe

    fileprivate init(_ process: Process) throws {
      self.process = process
      pipe = Pipe()
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = pipe
      try process.run()
    }

    /// All that it has written; waits for its end.
    var output: Data { pipe.fileHandleForReading.readDataToEndOfFile() }
  }

  /// Returns the path of a program; nil if it is not installed.
  static func find(_ program: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  static func start(_ program: String, _ arguments: [String]) throws -> Running {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    return try Running(process)
  }

  /// Starts an interpreter with a script of this folder.
  static func start(_ interpreter: String, script: String, _ arguments: [String]) throws -> Running {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: script)
    return try start(interpreter, [file.path] + arguments)
  }
}
