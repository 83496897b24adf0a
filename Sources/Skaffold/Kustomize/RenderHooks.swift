import Inputs
import Manifests

/// The commands around a rendering (`manifests.hooks`).
struct RenderHooks {
  let hooks: Hooks
  let root: String
  let environment: [String: String]
  let namespace: String?

  private static let limit = Duration.seconds(300)

  /// Rendering alone runs nothing that a repository brings.
  var demands: [Demand] {
    (hooks.before + hooks.after).filter(\.isForThisSystem).map { hook in
      Demand(key: hook.key, text: "a hook runs '\(hook.text)'", position: hook.position, root: root)
    }
  }

  func runBefore() async throws(InputError) {
    for hook in hooks.before where hook.isForThisSystem { _ = try await run(hook, input: nil) }
  }

  /// Gives the objects to each hook, and takes what it makes of them.
  func runAfter(_ manifests: [Manifest], _ warnings: inout [Diagnostic]) async throws(InputError) -> [Manifest] {
    var manifests = manifests
    for hook in hooks.after where hook.isForThisSystem {
      let output = try await run(hook, input: ManifestWriter.yaml(manifests))
      guard hook.changesObjects else { continue }
      guard !output.trimmed.isEmpty else {
        throw InputError(
          "the hook '\(hook.text)' printed no objects", at: hook.position,
          remedy: "with withChange a hook prints all objects that it reads")
      }
      manifests = try ManifestReader.parse(output, file: "hook \(hook.text)", warnings: &warnings).map {
        Manifest($0.object)
      }
    }
    return manifests
  }

  private func run(_ hook: HostHook, input: String?) async throws(InputError) -> String {
    func failure(_ words: String) -> InputError {
      InputError("the hook '\(hook.text)' failed: \(words)", at: hook.position, remedy: "run it yourself to see why")
    }
    guard let path = hook.program(environment) else {
      throw failure("\(hook.command[0]) is not in PATH (\(environment["PATH"] ?? "not set"))")
    }
    // The environment's own variables win, as in Skaffold.
    let variables = ["SKAFFOLD_WORK_DIR": hook.directory, "SKAFFOLD_NAMESPACES": namespace ?? ""]
    let result: Program.Result
    do {
      result = try await Program(path: path).run(
        Array(hook.command.dropFirst()), in: hook.directory, environment: variables.merging(environment) { $1 },
        input: input, within: Self.limit)
    } catch is Program.TookTooLong {
      throw failure("it took more than \(Self.limit)")
    } catch {
      throw failure("\(error)")
    }
    guard result.succeeded else {
      throw failure(result.errors.trimmed.isEmpty ? "it said nothing" : result.errors.trimmed)
    }
    return result.output
  }
}

extension HostHook {
  /// Returns the program's path: with a slash it counts from the hook's directory.
  public func program(_ environment: [String: String]) -> String? {
    if command[0].contains("/") { return Paths.absolute(command[0], in: directory) }
    return InstalledProgram.find(command[0], environment: environment)
  }
}
