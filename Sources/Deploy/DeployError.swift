import KubeAPI
import Manifests

/// A failed step of a deployment: its reason, its position in the user's files, and a remedy.
/// `description` has all of it, on several lines.
public struct DeployError: Error, Sendable, Hashable {
  public enum Code: String, Sendable, Hashable {
    /// The cluster is not known to be local, and no one has allowed it.
    case notLocal
    /// The context points to another cluster than before.
    case clusterChanged
    /// The API server has no such kind.
    case unknownKind
    /// The API server refuses the object: `fields` has the details.
    case invalid
    /// A field that cannot be changed on an object that exists.
    case immutable
    case forbidden
    /// The namespace is being deleted, or is missing and may not be made.
    case namespace
    case conflict
    /// Waiting will not make it ready, or did not in time: `details` has the cluster's reports about it.
    case notReady
    case timedOut
    /// The API server cannot be reached, or its answer is unreadable.
    case cluster
    /// Files cannot be synced into the containers as they are: build and deploy instead.
    case needsBuild
    case cancelled
  }

  /// The server's verdict on one field (Kubernetes API, `StatusCause`).
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
  /// The object's position in the user's files.
  public var position: SourcePosition?
  public var fields: [Field]
  /// Events, states and last log lines, in the words of the cluster.
  public var details: [String]
  public var remedy: String?
  /// Other failures of the same call.
  public var others: [DeployError]
  /// All the rest, if an apply failed for some objects.
  public var applied: Applied?
  /// The objects that a deletion has taken all the same.
  public var deleted: [ObjectID] = []

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
    var lines = ["\(at: position)\(at: object)\(message)"]
    lines += fields.map { "  \($0.path.isEmpty ? "" : "\($0.path): ")\($0.message)" }
    lines += details.map { "  \($0)" }
    if let remedy { lines.append("  \(remedy)") }
    lines += others.map(\.description)
    return lines.joined(separator: "\n")
  }
}
