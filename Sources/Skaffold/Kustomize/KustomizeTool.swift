import Manifests

/// The installed program that renders kustomizations.
public enum KustomizeTool: Sendable, Hashable {
  /// `kubectl kustomize`, by its absolute path.
  case kubectl(String)
  /// `kustomize build`, by its absolute path.
  case kustomize(String)

  /// The first one in the PATH: kustomize, then kubectl.
  public static func installed(environment: [String: String]) -> KustomizeTool? {
    if let path = Program.find("kustomize", environment: environment) { return .kustomize(path) }
    return Program.find("kubectl", environment: environment).map { .kubectl($0) }
  }

  /// - Returns: what it wrote to its output, and what it said beside it.
  /// - Throws: `InputError` with the tool's own words.
  func build(_ directory: String, arguments: [String], of source: KustomizeSource, environment: [String: String]) async throws(InputError) -> (String, String) {
    let (path, verb) =
      switch self {
      case .kubectl(let path): (path, "kustomize")
      case .kustomize(let path): (path, "build")
      }
    let result: Program.Result
    do {
      result = try await Program(path: path).run([verb] + Self.modernized(arguments) + [directory], in: "/", environment: environment)
    } catch {
      throw InputError("\(path) could not be run: \(error)", at: source.position, remedy: "install kubectl or kustomize anew")
    }
    guard result.succeeded else {
      let words = result.errors.trimmed.replacing(directory, with: source.path)
      throw InputError(
        "the kustomization \(source.path) cannot be rendered: \(words)", at: source.position,
        remedy: "correct it; '\(Paths.name(of: path)) \(verb) \(source.path)' shows the same")
    }
    return (result.output, result.errors)
  }

  /// Old spellings in today's. A file outside of its kustomization's directory is the team's decision, and many are: nothing is refused for that.
  static func modernized(_ arguments: [String]) -> [String] {
    var result: [String] = []
    var isValue = false
    for argument in arguments.flatMap({ $0.split(separator: " ").map(String.init) }) {
      if isValue {
        isValue = false
        continue
      }
      guard argument.hasPrefix("--") else {
        result.append(argument)
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
      let name = parts[0].replacing("_", with: "-")
      if name == "--load-restrictor" {
        isValue = parts.count == 1
      } else {
        result.append(([name] + parts.dropFirst()).joined(separator: "="))
      }
    }
    return result + ["--load-restrictor", "LoadRestrictionsNone"]
  }
}
