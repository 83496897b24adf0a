import KubeAPI
import KubeObjects

/// The result of an exec (Kubernetes API, `Status` on the error channel).
enum ExecStatus {
  /// Returns the command's exit code.
  /// - Throws: if the command did not run: no such container, no such program.
  static func exitCode(_ bytes: [UInt8], server: String) throws(KubeError) -> Int {
    guard let status = (try? JSONValue(parsing: bytes)).map(APIStatus.init) else {
      throw .badResponse(server: server, problem: "an exec ended with a status that is not JSON")
    }
    if status.isSuccess { return 0 }
    let cause = status.details?.causes.first { $0.reason == "ExitCode" }
    if status.reason == "NonZeroExitCode", let code = cause.flatMap({ Int($0.message) }) { return code }
    throw .status(
      code: status.code ?? 500, reason: status.reason, message: status.message ?? "no explanation",
      details: status.details)
  }
}
