import ControlAPI
import FoundationEssentials

/// The report that `version` prints; described in docs/output.md.
struct VersionReport: Codable, Sendable, Hashable {
  struct Agent: Codable, Sendable, Hashable {
    /// The value of Kubernetes' node label `kubernetes.io/arch`.
    var architecture: String
    var path: String
    /// Bytes.
    var size: Int
  }

  var version: String
  var build: String
  /// The compiler's language version.
  var swift: String
  /// The agent for this machine's architecture, else the first one; nil if none is installed.
  var agent: Agent?
  /// Every installed agent.
  var agents: [Agent]

  var lines: [String] {
    ["devtunnel \(version), build \(build), Swift \(swift)"]
      + (agents.isEmpty
        ? ["no agent is installed"] : agents.map { "agent for \($0.architecture): \($0.path), \($0.size / 1024) KiB" })
  }

  static func current(environment: [String: String] = ProcessInfo.processInfo.environment) -> VersionReport {
    let agents = AgentFiles.find(environment: environment)
    return VersionReport(
      version: BuildVersion.current.version, build: BuildVersion.current.build, swift: swiftVersion,
      agent: agents.first { $0.architecture == architecture } ?? agents.first, agents: agents)
  }

  private static var architecture: String {
    #if arch(arm64)
      "arm64"
    #else
      "amd64"
    #endif
  }

  private static var swiftVersion: String {
    #if compiler(>=6.4)
      "6.4 or newer"
    #elseif compiler(>=6.3)
      "6.3"
    #elseif compiler(>=6.2)
      "6.2"
    #else
      "6.1"
    #endif
  }
}

/// The agents beside the executable.
enum AgentFiles {
  static func find(environment: [String: String]) -> [VersionReport.Agent] {
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let directory = executable.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    let parent = directory.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    let places = (environment["DEVTUNNEL_SHARE"].map { [$0] } ?? []) + [parent + "/share/devtunnel", directory]
    return ["amd64", "arm64"].compactMap { architecture in
      for place in places {
        let path = "\(place)/devtunnel-agent-\(architecture)"
        guard let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int else { continue }
        return VersionReport.Agent(architecture: architecture, path: path, size: size)
      }
      return nil
    }
  }
}
