import FoundationEssentials

/// A flat object: `event` names the event, `time` is when it was written; the other fields are the event's own.
extension DevEvent: Encodable {
  private enum Key: String, CodingKey { case event, time }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .event)
    try container.encode(Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)), forKey: .time)
    try payload.encode(to: encoder)
  }

  /// The value of the field `event`.
  public var name: String {
    switch self {
    case .configured: "configured"
    case .watching: "watching"
    case .changed: "changed"
    case .building: "building"
    case .buildOutput: "buildOutput"
    case .built: "built"
    case .loaded: "loaded"
    case .synced: "synced"
    case .mirrored: "mirrored"
    case .applied: "applied"
    case .pruned: "pruned"
    case .waiting: "waiting"
    case .ready: "ready"
    case .recovered: "recovered"
    case .forwarded: "forwarded"
    case .unforwarded: "unforwarded"
    case .intercepted: "intercepted"
    case .log: "log"
    case .warning: "warning"
    case .failed: "failed"
    case .timeline: "timeline"
    case .replayed: "replayed"
    case .deleted: "deleted"
    }
  }

  private var payload: any Encodable {
    switch self {
    case .configured(let payload): payload
    case .watching(let payload): payload
    case .changed(let payload): payload
    case .building(let payload): payload
    case .buildOutput(let payload): payload
    case .built(let payload): payload
    case .loaded(let payload): payload
    case .synced(let payload): payload
    case .mirrored(let payload): payload
    case .applied(let payload): payload
    case .pruned(let payload), .deleted(let payload): payload
    case .waiting(let payload): payload
    case .ready(let payload): payload
    case .recovered(let payload): payload
    case .forwarded(let payload), .unforwarded(let payload): payload
    case .intercepted(let payload): payload
    case .log(let payload): payload
    case .warning(let payload): payload
    case .failed(let payload): payload
    case .timeline(let payload): payload
    case .replayed(let payload): payload
    }
  }
}
