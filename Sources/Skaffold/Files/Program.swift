import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Runs git and kustomize.
struct Program: Sendable {
  struct Result: Sendable {
    var succeeded: Bool
    var output: String
    var errors: String
  }

  /// An absolute path.
  var path: String

  /// Finds the first one in the environment's PATH.
  static func find(_ name: String, environment: [String: String]) -> String? {
    (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }.first {
      Paths.isFile($0) && isExecutable($0)
    }
  }

  /// Runs it to its end; cancelling the task ends the program.
  func run(_ arguments: [String], in directory: String, environment: [String: String]) async throws -> Result {
    var variables: [Environment.Key: String] = [:]
    for (name, value) in environment { if let key = Environment.Key(rawValue: name) { variables[key] = value } }
    let done = try await Subprocess.run(
      .path(FilePath(path)), arguments: Arguments(arguments), environment: .custom(variables),
      workingDirectory: FilePath(directory), input: .none,
      output: .string(limit: 64 << 20), error: .string(limit: 1 << 20))
    return Result(succeeded: done.terminationStatus.isSuccess, output: done.standardOutput, errors: done.standardError)
  }
}
