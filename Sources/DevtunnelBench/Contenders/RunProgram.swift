import Subprocess

/// Runs a program while `body` does, and ends it after that. What it said on standard error comes back too.
///
/// - Throws: `BenchError.Code.program` when it cannot be started.
func runProgram<Result: Sendable>(
  _ program: String, _ arguments: [String], _ body: (Int32) async -> Result
) async throws -> (result: Result, errors: String) {
  do {
    let run = try await Subprocess.run(
      executable(program), arguments: Arguments(arguments), input: .none, output: .discarded,
      error: .string(limit: 1 << 20)
    ) { execution in
      let result = await body(execution.processIdentifier.value)
      try? execution.send(signal: .terminate)
      return result
    }
    return (run.closureResult, run.standardError)
  } catch {
    throw BenchError(.program, "\(program) cannot be run: \(error)")
  }
}

/// Runs a program to its end; returns what it printed.
///
/// - Throws: `BenchError.Code.program` when it fails, with what it said.
func outputOfProgram(_ program: String, _ arguments: [String]) async throws -> String {
  do {
    let run = try await Subprocess.run(
      executable(program), arguments: Arguments(arguments), input: .none, output: .string(limit: 4 << 20),
      error: .string(limit: 1 << 20))
    guard run.terminationStatus.isSuccess else {
      throw BenchError(
        .program,
        "\(program) \(arguments.joined(separator: " ")) failed (\(run.terminationStatus)): \(run.standardError)")
    }
    return run.standardOutput
  } catch let error as BenchError {
    throw error
  } catch {
    throw BenchError(.program, "\(program) cannot be run: \(error)")
  }
}

private func executable(_ program: String) -> Executable {
  program.contains("/") ? .path(.init(program)) : .name(program)
}
