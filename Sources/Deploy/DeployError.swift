import KubeAPI
import Manifests

/// Why something of a deployment failed: what, where it stands in the user's files, and what to do. `description` has
/// all of it, on several lines.
public struct DeployError: Error, Sendable, Hashable {
  public enum Code: String, Sendable, Hashable {
    /// The cluster is not known to be local, and nobody has allowed it.
    case notLocal
    /// The context leads to another cluster than it did.
    case clusterChanged
    /// The API server has no such kind.
    case unknownKind
    /// The API server refuses the object: `fields` says where.
    case invalid
    /// A field that cannot be changed on an object that exists.
    case immutable
    case forbidden
    /// The namespace is being deleted, or is missing and may not be made.
    case namespace
    case conflict
    /// It will not become ready by waiting, or did not in time: `details` says what the cluster tells about it.
    case notReady
    case timedOut
    /// The API server cannot be reached, or answers what nobody understands.
    case cluster
    /// Files cannot be synced into the containers as they are: build and deploy instead.
    case needsBuild
    case cancelled
  }

  /// What the server says of one field (Kubernetes API, `StatusCause`).
  public struct Field: Sendable, Hashable {
    /// `spec.template.spec.containers[0].image`; empty for the object as a whole.
    public var path: String
    public var message: String

    public init(path: String, message: String) {
      self.path = path
      self.message = message
    }
  }

  public var code: Code
  public var message: String
  public var object: ObjectID?
  /// Where the object stands in the user's files.
  public var position: SourcePosition?
  public var fields: [Field]
  /// Events, states and last log lines, in the words of the cluster.
  public var details: [String]
  public var remedy: String?
  /// What else failed in the same call.
  public var others: [DeployError]

  public init(
    _ code: Code, _ message: String, object: ObjectID? = nil, position: SourcePosition? = nil, fields: [Field] = [],
    details: [String] = [],
    remedy: String? = nil, others: [DeployError] = []
  ) {
    self.code = code
    self.message = message
    self.object = object
    self.position = position
    self.fields = fields
    self.details = details
    self.remedy = remedy
    self.others = others
  }
}

extension DeployError: CustomStringConvertible {
  public var description: String {
    var lines = ["\(position.map { "\($0): " } ?? "")\(object.map { "\($0): " } ?? "")\(message)"]
    lines += fields.map { "  \($0.path.isEmpty ? "" : "\($0.path): ")\($0.message)" }
    lines += details.map { "  \($0)" }
    if let remedy { lines.append("  \(remedy)") }
    lines += others.map(\.description)
    return lines.joined(separator: "\n")
  }
}
