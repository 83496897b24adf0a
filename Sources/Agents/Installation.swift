#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import ControlAPI

/// A node's processor, as Kubernetes names it (`kubernetes.io/arch`).
public enum Architecture: String, Sendable, CaseIterable {
  case amd64, arm64
}

/// The files that came with this executable: the agents and the templates.
public struct Installation: Sendable {
  public static let version = "0.1.0"

  /// Holds `devtunnel-agent-amd64`, `devtunnel-agent-arm64` and `templates/`.
  public let share: String

  public init(share: String) { self.share = share }

  /// `DEVTUNNEL_SHARE`, else `../share/devtunnel` beside the executable's folder, else `share` beside a build's folders.
  public static func find(environment: [String: String] = ProcessInfo.processInfo.environment) throws(ControlError) -> Installation {
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/"
    let folder = executable.split(separator: "/").dropLast().joined(separator: "/")
    var candidates = [environment["DEVTUNNEL_SHARE"], "/\(folder)/../share/devtunnel", "/\(folder)/share/devtunnel"].compactMap { $0 }
    // A build's product lies in .build/ARCH/CONFIGURATION, or in a scratch path of another name.
    for levels in ["..", "../..", "../../.."] { candidates.append("/\(folder)/\(levels)/share/devtunnel") }
    for candidate in candidates where FileManager.default.fileExists(atPath: candidate + "/devtunnel-agent-amd64") {
      return Installation(share: candidate)
    }
    throw ControlError(
      .failed, "the agent that runs in the cluster was not found beside \(executable)",
      remedy: "run ./install.sh, or set DEVTUNNEL_SHARE to the folder that holds devtunnel-agent-amd64")
  }

  public func agentPath(_ architecture: Architecture) -> String { "\(share)/devtunnel-agent-\(architecture.rawValue)" }

  /// The agent's bytes.
  public func agent(_ architecture: Architecture) throws(ControlError) -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: agentPath(architecture)) else {
      throw ControlError(
        .failed, "there is no agent for \(architecture.rawValue) at \(agentPath(architecture))",
        remedy: "run ./install.sh; an agent for another processor is built where its libraries are installed")
    }
    return Array(data)
  }
}
