import Manifests

/// Configurations' objects, patched, as `devtunnel render` prints them.
public struct Rendering: Sendable {
  public var manifests: [Manifest]
  public var warnings: [Diagnostic]
  /// The manifests' demands beyond their repositories' files.
  public var demands: [Demand] = []

  public init(manifests: [Manifest], warnings: [Diagnostic]) {
    self.manifests = manifests
    self.warnings = warnings
  }

  /// The objects as text for kubectl.
  public var yaml: String { ManifestWriter.yaml(manifests) }

  /// Renders without building.
  /// - Parameters:
  ///   - patches: nil leaves the objects as they are. Without a namespace here, each configuration's default one is
  ///     used. An image that no object uses is a warning.
  ///   - trust: the demands beyond their repositories' files that are allowed.
  ///   - tool: nil finds the installed one.
  ///   - environment: the variables that templates see.
  ///   - tools: the variables of helm, kustomize and kubectl; nil: `environment`. A repository's skaffold.env has no
  ///     part in them.
  ///   - images: for charts; nil: those of the patches.
  ///   - cache: what charts gave before.
  /// - Throws: `InputError` with every fault in any file.
  public static func render(
    _ configurations: [DevConfiguration], patches: ManifestPatches?, trust: Trust = Trust(), tool: KustomizeTool? = nil,
    environment: [String: String], tools: [String: String]? = nil, images: HelmImages? = nil, cache: HelmCache? = nil
  ) async throws(InputError) -> Rendering {
    let images =
      images
      ?? HelmImages(
        names: configurations.flatMap(\.artifacts).map(\.image), references: patches?.images ?? [:])
    var result = Rendering(manifests: [], warnings: [])
    var original: [Manifest] = []
    var problems: [Diagnostic] = []
    for configuration in configurations {
      result.warnings += configuration.warnings
      do {
        let manifests = try await configuration.manifests.render(
          tool: tool, trust: trust, environment: environment, tools: tools,
          hooks: tools == nil ? nil : configuration.programEnvironment, images: images, namespace: patches?.namespace,
          cache: cache, commands: configuration.commands, demands: &result.demands, warnings: &result.warnings)
        original += manifests
        guard var patches else {
          result.manifests += manifests
          continue
        }
        patches.namespace = patches.namespace ?? configuration.defaultNamespace
        result.manifests += patches.apply(to: manifests)
      } catch {
        problems += error.diagnostics
      }
    }
    if !problems.isEmpty { throw InputError(problems) }
    for image in patches?.unusedImages(in: original) ?? [] {
      result.warnings.append(
        Diagnostic(
          .warning, "no object uses the image \(image)",
          remedy: "name it as the manifests do, after the kustomization has renamed it"))
    }
    return result
  }
}
