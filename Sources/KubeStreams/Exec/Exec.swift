import KubeAPI

/// The output and the exit code of a command in a container.
public struct ExecResult: Sendable, Hashable {
  public var stdout: [UInt8]
  public var stderr: [UInt8]
  public var exitCode: Int

  public init(stdout: [UInt8], stderr: [UInt8], exitCode: Int) {
    self.stdout = stdout
    self.stderr = stderr
    self.exitCode = exitCode
  }
}

extension KubeClient {
  /// Runs a command in a container to its end (Kubernetes API, `pods/exec`; RBAC requires `get` and `create`). The
  /// command should read its stdin to the end: while a large stdin is being sent, Kubernetes does not report the
  /// command's end, not even to kubectl.
  /// - Parameters:
  ///   - container: nil for the Pod's only or default one.
  ///   - stdin: given to the command, then closed (Kubernetes 1.30 and later; an older server leaves it
  ///     open); nil for none.
  ///   - outputLimit: bytes kept of each of stdout and stderr; the rest is dropped.
  /// - Throws: if the command could not be started, or the connection broke before its end. When the task is cancelled,
  ///   `.cancelled`, and the connection closes; the command then sees its stdin and stdout closed.
  public func exec(
    pod: String, namespace: String? = nil, container: String? = nil, command: [String], stdin: [UInt8]? = nil,
    outputLimit: Int = 1 << 20
  ) async throws(KubeError) -> ExecResult {
    let started = try await startExec(
      pod: pod, namespace: namespace, container: container, command: command, takesInput: stdin != nil,
      outputLimit: outputLimit)
    return try await started.finish(stdin: stdin ?? [])
  }

  /// Starts a command in a container, which then waits for its stdin, or runs.
  /// - Returns: the running command; it ends with its last reference.
  public func startExec(
    pod: String, namespace: String? = nil, container: String? = nil, command: [String], takesInput: Bool,
    outputLimit: Int = 1 << 20
  ) async throws(KubeError) -> RunningExec {
    var query = command.map { ("command", $0) }
    if let container { query.append(("container", container)) }
    query += [("stdout", "true"), ("stderr", "true")]
    if takesInput { query.append(("stdin", "true")) }
    let path = APIResource.pods.path(namespace: namespace ?? access.namespace, name: pod, subresource: "exec")
    let connection = try await dialWebSocket(
      path: path, query: query, subprotocols: [ExecChannels.v5, ExecChannels.v4])
    return try RunningExec(
      ExecExchange(
        connection: connection, takesInput: takesInput, outputLimit: outputLimit, server: access.server.description))
  }
}
