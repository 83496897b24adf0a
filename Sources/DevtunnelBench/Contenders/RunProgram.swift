import Subprocess

/// Runs a program while `body` runs, and ends it after that. Also returns its standard error.
///
/// - Throws: `BenchError.Code.program` if it cannot be started.
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

/// Runs a program to its end; returns its standard output.
///
/// - Throws: `BenchError.Code.program` if it fails, with its standard error.
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
