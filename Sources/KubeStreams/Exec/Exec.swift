import KubeAPI

/// What a command in a container wrote, and how it ended.
public struct ExecResult: Sendable, Hashable {
  public var stdout: [UInt8]
  public var stderr: [UInt8]
  /// 0 to 255; a command that could not be started has what the runtime says: 126 or 127.
  public var exitCode: Int

  public init(stdout: [UInt8], stderr: [UInt8], exitCode: Int) {
    self.stdout = stdout
    self.stderr = stderr
    self.exitCode = exitCode
  }
}

extension KubeClient {
  /// Runs a command in a container to its end (Kubernetes API, `pods/exec`).
  /// - Parameters:
  ///   - container: nil for the Pod's only or default one.
  ///   - stdin: given to the command, then closed; nil for none.
  ///   - outputLimit: bytes kept of each of stdout and stderr; what is more is dropped.
  /// - Throws: when the command could not be run, or the connection broke before its end. When the task is cancelled, `.cancelled`, and the connection closes.
  public func exec(
    pod: String, namespace: String? = nil, container: String? = nil, command: [String], stdin: [UInt8]? = nil, outputLimit: Int = 1 << 20
  ) async throws(KubeError) -> ExecResult { fatalError() }
}
