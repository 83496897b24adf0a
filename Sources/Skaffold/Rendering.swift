import Manifests

/// A configuration's objects, patched, as `devtunnel render` prints them.
public struct Rendering: Sendable {
  public var manifests: [Manifest]
  public var warnings: [Diagnostic]

  /// The objects as text for kubectl.
  public var yaml: String { ManifestWriter.yaml(manifests) }

  /// Renders without building.
  /// - Parameters:
  ///   - patches: nil leaves the objects as they are; an image that no object uses is a warning.
  ///   - tool: nil finds the installed one.
  public static func render(
    _ configurations: [DevConfiguration], patches: ManifestPatches?, tool: KustomizeTool? = nil, environment: [String: String]
  ) async throws(InputError) -> Rendering { fatalError() }
}
