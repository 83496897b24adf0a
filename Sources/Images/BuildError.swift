import Manifests

/// The reason why an image was not built, or not brought to the cluster.
public struct BuildError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Reason: String, Sendable, Hashable {
    /// No builder is installed, or the requested one is not.
    case builderMissing
    /// `docker` is installed, but its daemon does not answer.
    case daemonDown
    case contextMissing
    case dockerfileMissing
    /// The Dockerfile, an option or a `requires` makes no sense.
    case badInput
    case diskFull
    /// A step of the Dockerfile failed.
    case stepFailed
    /// The builder, or an artifact's own command, ended with a failure of another kind.
    case commandFailed
    /// The built image is in no store that is known here.
    case imageMissing
    /// Nothing shows how this cluster gets images.
    case unknownProduct
    /// The image was built and could not be brought to the cluster.
    case loadFailed
    case cancelled
  }

  public var reason: Reason
  /// The artifact's image name; nil if no single one is at fault.
  public var artifact: String?
  public var message: String
  /// The last lines of the builder's output, at most 40.
  public var output: [String]
  /// The position of the artifact in its file, or of the Dockerfile's step.
  public var position: SourcePosition?
  /// The remedy, if there is one.
  public var remedy: String?

  public init(
    _ reason: Reason, _ message: String, artifact: String? = nil, output: [String] = [],
    position: SourcePosition? = nil, remedy: String? = nil
  ) {
    self.reason = reason
    self.artifact = artifact
    self.message = message
    self.output = output
    self.position = position
    self.remedy = remedy
  }

  public var description: String {
    let place = [position?.description, artifact].compactMap { $0 }.map { $0 + ": " }.joined()
    return place + message + (remedy.map { "; \($0)" } ?? "")
  }
}
