import ControlAPI

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

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

  /// Finds the first folder of `places` that has the agents.
  public static func find(environment: [String: String] = ProcessInfo.processInfo.environment) throws(ControlError)
    -> Installation
  {
    let places = places(environment)
    for place in places where FileManager.default.fileExists(atPath: place + "/devtunnel-agent-amd64") {
      return Installation(share: place)
    }
    throw ControlError(
      .failed, "the agent that runs in the cluster was not found beside the executable",
      remedy: "run ./install.sh, or set DEVTUNNEL_SHARE to the folder that holds devtunnel-agent-amd64")
  }

  /// Returns the path of a file below `templates`, in an installation or in the source tree.
  public static func template(
    _ name: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ControlError) -> String {
    let places = places(environment).flatMap { ["\($0)/templates/\(name)", "\($0)/../../templates/\(name)"] }
    if let path = places.first(where: { FileManager.default.fileExists(atPath: $0) }) { return path }
    throw ControlError(
      .failed, "the template \(name) was not found beside the executable",
      remedy: "run ./install.sh, or set DEVTUNNEL_SHARE to the folder that holds templates")
  }

  /// Returns the path of a helper program, nil if it is missing: beside this executable in a build, in
  /// `libexec/devtunnel` in an installation.
  public static func program(_ name: String, executable: String = executable) -> String? {
    let folder = folder(of: executable)
    return ["\(folder)/\(name)", "\(folder)/../libexec/devtunnel/\(name)"].first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }

  /// The path of this process's executable; tests run in a bundle whose folder is the products' own.
  public static var executable: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/"
  }

  private static func folder(of executable: String) -> String {
    "/" + executable.split(separator: "/").dropLast().joined(separator: "/")
  }

  /// Returns `DEVTUNNEL_SHARE`, `../share/devtunnel` beside the executable's folder, and `share/devtunnel` beside a
  /// build's folders.
  private static func places(_ environment: [String: String]) -> [String] {
    let folder = folder(of: executable)
    // A build's product is in .build/ARCH/CONFIGURATION, or in a scratch path of another name.
    let above = ["..", ".", "../..", "../../.."].map { "\(folder)/\($0)/share/devtunnel" }
    return (environment["DEVTUNNEL_SHARE"].map { [$0] } ?? []) + above
  }

  public func agentPath(_ architecture: Architecture) -> String { "\(share)/devtunnel-agent-\(architecture.rawValue)" }

  /// Reads the agent's bytes.
  public func agent(_ architecture: Architecture) throws(ControlError) -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: agentPath(architecture)) else {
      throw ControlError(
        .failed, "there is no agent for \(architecture.rawValue) at \(agentPath(architecture))",
        remedy: "run ./install.sh; an agent for another processor is built where its libraries are installed")
    }
    return Array(data)
  }
}
