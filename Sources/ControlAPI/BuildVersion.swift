import CControl

/// The version of a devtunnel. Command and daemon compare theirs: they are one program, and speak to no other.
public struct BuildVersion: Codable, Sendable, Hashable, CustomStringConvertible {
  /// Semantic version.
  public var version: String
  /// The executable's GNU build id in hexadecimal, shortened; empty if the linker wrote none.
  public var build: String

  public init(version: String, build: String) {
    self.version = version
    self.build = build
  }

  /// The version of this executable.
  public static let current: BuildVersion = {
    let id = [UInt8](unsafeUninitializedCapacity: 6) { buffer, count in
      count = ccontrol_build_id(buffer.baseAddress, buffer.count)
    }
    return BuildVersion(version: "0.1.0", build: id.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
  }()

  public var description: String { version }

  /// Returns the error for two different programs; nil if they are the same.
  public static func mismatch(daemon: BuildVersion, command: BuildVersion) -> ControlError? {
    guard daemon != command else { return nil }
    let sameVersion = daemon.version == command.version
    func name(_ one: BuildVersion) -> String {
      sameVersion ? "\(one.version) (build \(one.build.isEmpty ? "unknown" : one.build))" : one.version
    }
    return ControlError(
      .versionMismatch, "the daemon runs \(name(daemon)), this command is \(name(command))",
      remedy: "devtunnel quit, then try again")
  }
}
