import Skaffold

/// Runs a project's hooks on this machine, with their output line by line.
public struct HookRunner: Sendable {
  private let environment: [String: String]
  private let limit: Duration

  /// - Parameters:
  ///   - environment: its own variables win over those of Skaffold, as in Skaffold.
  ///   - limit: the time that one hook may take.
  public init(environment: [String: String], limit: Duration = .seconds(600)) {
    self.environment = environment
    self.limit = limit
  }

  /// Runs a hook, unless it is for another system.
  /// - Parameter variables: `SKAFFOLD_…`, besides SKAFFOLD_WORK_DIR.
  /// - Throws: `commandFailed` with the last lines of its output; `cancelled`.
  public func run(
    _ hook: HostHook, variables: [String: String], line: @escaping @Sendable (String) -> Void
  ) async throws(BuildError) {
    guard hook.isForThisSystem else { return }
    guard let path = hook.program(environment) else {
      throw BuildError(
        .commandFailed,
        "the hook `\(hook.text)` cannot be run: \(hook.command[0]) is not in PATH "
          + "(\(environment["PATH"] ?? "not set"))", position: hook.position, remedy: "install it, or correct the hook")
    }
    var all = variables
    all["SKAFFOLD_WORK_DIR"] = hook.directory
    let child = Child(
      program: path, arguments: Array(hook.command.dropFirst()), environment: all.merging(environment) { $1 },
      directory: hook.directory, grace: .milliseconds(200))
    let (status, tail) = try await within(child, hook, line)
    guard status == 0 else {
      throw BuildError(
        .commandFailed, "the hook `\(hook.text)` ended with status \(status)", output: tail, position: hook.position,
        remedy: "run it yourself to see why")
    }
  }

  private func within(_ child: Child, _ hook: HostHook, _ line: @escaping @Sendable (String) -> Void)
    async throws(BuildError) -> (status: Int32, tail: [String])
  {
    typealias Outcome = Result<Done, BuildError>
    let outcome = await withTaskGroup(of: Outcome?.self) { group in
      group.addTask {
        do throws(BuildError) {
          let (status, tail) = try await child.run(line: line)
          return .success(Done(status: status, tail: tail))
        } catch { return .failure(error) }
      }
      group.addTask { [limit] in
        try? await Task.sleep(for: limit)
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    if Task.isCancelled { throw .cancelled }
    guard let done = try outcome?.get() else {
      throw BuildError(
        .commandFailed, "the hook `\(hook.text)` took more than \(limit)", position: hook.position,
        remedy: "make it end; what it has to start goes into the background")
    }
    return (done.status, done.tail)
  }

  private struct Done: Sendable {
    var status: Int32
    var tail: [String]
  }
}
