/// A measured quantity. The raw values are the keys in the JSON.
enum Metric: String, Codable, CaseIterable, CodingKeyRepresentable, Sendable {
  case up = "upMegabytesPerSecond"
  case down = "downMegabytesPerSecond"
  case connectP50 = "connectP50Milliseconds"
  case connectP99 = "connectP99Milliseconds"
  case roundTripP50 = "roundTripP50Milliseconds"
  case roundTripP99 = "roundTripP99Milliseconds"
  case fan = "fanSeconds"
  case fanP99 = "fanP99Milliseconds"
  case fanAnswered
  case cpuUp = "cpuSecondsPerGigabyteUp"
  case cpuDown = "cpuSecondsPerGigabyteDown"
  case agentCPUUp = "agentCPUSecondsPerGigabyteUp"
  case agentCPUDown = "agentCPUSecondsPerGigabyteDown"
  case start = "startSeconds"

  /// The name in the table.
  var title: String {
    switch self {
    case .up: "up, one stream (MB/s)"
    case .down: "down, one stream (MB/s)"
    case .connectP50: "new connection, p50 (ms)"
    case .connectP99: "new connection, p99 (ms)"
    case .roundTripP50: "round trip, p50 (ms)"
    case .roundTripP99: "round trip, p99 (ms)"
    case .fan: "connections at once (s)"
    case .fanP99: "  an exchange of theirs, p99 (ms)"
    case .fanAnswered: "  answered"
    case .cpuUp: "CPU here, up (s/GB)"
    case .cpuDown: "CPU here, down (s/GB)"
    case .agentCPUUp: "CPU of the agent, up (s/GB)"
    case .agentCPUDown: "CPU of the agent, down (s/GB)"
    case .start: "from start to first answer (s)"
    }
  }
}
