import Deploy
import Images
import Manifests
import Watching

/// A failure of a loop: its stage, reason, position and remedy. One failure never ends a loop.
public struct LoopError: Error, Sendable, Hashable, Codable {
  public enum Stage: String, Sendable, Hashable, Codable {
    case configuration, watching, rendering, building, loading, syncing, mirroring, applying, waiting, running,
      forwarding, intercepting, cluster, cleaningUp
  }

  public var stage: Stage
  public var message: String
  /// `skaffold.yaml:12:3`.
  public var position: String?
  /// The builder's last lines, events of the cluster.
  public var details: [String]
  public var remedy: String?
  /// Further mistakes, each with its own remedy.
  public var others: [String]
  /// True if a later attempt may help without a change of files: the cluster was away.
  public var isTransient = false
  /// True if a variable of the environment is missing: only another start brings it.
  public var needsEnvironment = false
  /// True if nothing is wrong: something newer took its place.
  public var isCancelled = false

  public init(_ stage: Stage, _ message: String, position: String? = nil, details: [String] = [], remedy: String? = nil)
  {
    self.stage = stage
    self.message = message
    self.position = position
    self.details = details
    self.remedy = remedy
    others = []
  }

  enum CodingKeys: String, CodingKey { case stage, message, position, details, remedy, others }

  static func cancelled(_ stage: Stage) -> LoopError {
    var error = LoopError(stage, "cancelled")
    error.isCancelled = true
    return error
  }
}

extension LoopError: CustomStringConvertible {
  public var description: String {
    (["\(at: position)\(message)"] + details.map { "  " + $0 } + (remedy.map { [$0] } ?? [])
      + others)
      .joined(separator: "\n")
  }
}

extension LoopError {
  init(_ error: InputError, _ stage: Stage = .configuration) {
    let errors = error.diagnostics.filter { $0.severity == .error }
    let first = errors.first ?? Diagnostic(.error, "the input cannot be used")
    self.init(
      stage, "\(at: first.field.flatMap { $0.isEmpty ? nil : $0 })\(first.message)",
      position: first.position?.description,
      remedy: first.remedy)
    others = errors.dropFirst().map(\.text)
    needsEnvironment = errors.contains(where: \.needsEnvironment)
  }

  init(_ error: WatchError, _ stage: Stage = .watching) {
    let position = error.file.map { file in file + (error.line.map { ":\($0)" } ?? "") }
    self.init(stage, error.message, position: position, remedy: error.remedy.isEmpty ? nil : error.remedy)
  }

  init(_ error: BuildError, _ stage: Stage = .building) {
    self.init(
      stage, "\(at: error.artifact)\(error.message)", position: error.position?.description,
      details: error.output, remedy: error.remedy)
    isCancelled = error.reason == .cancelled
  }

  init(_ error: DeployError, _ stage: Stage = .applying) {
    let fields = error.fields.map { ($0.path.isEmpty ? "" : "\($0.path): ") + $0.message }
    self.init(
      stage, "\(at: error.object)\(error.message)", position: error.position?.description,
      details: fields + error.details, remedy: error.remedy)
    others = error.others.flatMap { $0.description.split(whereSeparator: \.isNewline).map(String.init) }
    isCancelled = error.code == .cancelled
    isTransient = error.code == .cluster
  }
}

extension Diagnostic {
  /// The diagnostic without its severity.
  public var text: String { description.replacing("\(severity.rawValue): ", with: "", maxReplacements: 1) }
}
