import Inputs
import Manifests

/// The installed program that renders kustomizations.
public enum KustomizeTool: Sendable, Hashable {
  /// `kubectl kustomize`, by its absolute path.
  case kubectl(String)
  /// `kustomize build`, by its absolute path.
  case kustomize(String)

  /// Finds the first one in the PATH: kustomize, then kubectl.
  public static func installed(environment: [String: String]) -> KustomizeTool? {
    if let path = InstalledProgram.find("kustomize", environment: environment) { return .kustomize(path) }
    return InstalledProgram.find("kubectl", environment: environment).map { .kubectl($0) }
  }

  /// Rendering reads local files alone.
  private static let limit = Duration.seconds(60)

  /// - Parameters:
  ///   - options: see `KustomizeOptions`.
  ///   - readsOutside: whether files outside their kustomization's directory may be read; the caller has checked each.
  /// - Returns: its output, and its messages separately.
  /// - Throws: `InputError` with the tool's own words.
  func build(
    _ directory: String, options: [String], readsOutside: Bool, of source: KustomizeSource,
    environment: [String: String]
  ) async throws(InputError) -> (String, String) {
    let (path, verb) =
      switch self {
      case .kubectl(let path): (path, "kustomize")
      case .kustomize(let path): (path, "build")
      }
    let restrictor = readsOutside ? "LoadRestrictionsNone" : "LoadRestrictionsRootOnly"
    let result: Program.Result
    do {
      result = try await Program(path: path).run(
        [verb] + options + ["--load-restrictor", restrictor, directory], in: "/", environment: environment,
        within: Self.limit)
    } catch is Program.TookTooLong {
      throw InputError(
        "the kustomization \(source.path) cannot be rendered: \(path) took more than \(Self.limit)",
        at: source.position,
        remedy: "run '\(Paths.name(of: path)) \(verb) \(source.path)' to see what it waits for")
    } catch {
      throw InputError(
        "\(path) could not be run: \(error)", at: source.position, remedy: "reinstall kubectl or kustomize")
    }
    guard result.succeeded else {
      let words = result.errors.trimmed.replacing(directory, with: source.path)
      throw InputError(
        "the kustomization \(source.path) cannot be rendered: \(words)", at: source.position,
        remedy: "correct it; '\(Paths.name(of: path)) \(verb) \(source.path)' shows the same")
    }
    return (result.output, result.errors)
  }
}
