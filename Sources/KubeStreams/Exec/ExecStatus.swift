import KubeAPI
import KubeObjects

/// The result of an exec (Kubernetes API, `Status` on the error channel).
enum ExecStatus {
  /// Returns the command's exit code.
  /// - Throws: if the command did not run: no such container, no such program.
  static func exitCode(_ bytes: [UInt8], server: String) throws(KubeError) -> Int {
    guard let status = try? JSONValue(parsing: bytes) else {
      throw .badResponse(server: server, problem: "an exec ended with a status that is not JSON")
    }
    if status["status"]?.stringValue == "Success" { return 0 }
    let message = status["message"]?.stringValue ?? "no explanation"
    let causes = status[path: "details", "causes"]?.elements ?? []
    if status["reason"]?.stringValue == "NonZeroExitCode",
      let code = causes.first(where: { $0["reason"]?.stringValue == "ExitCode" })?["message"]?.stringValue.flatMap({
        Int($0)
      })
    {
      return code
    }
    throw .status(
      code: status["code"]?.intValue ?? 500, reason: status["reason"]?.stringValue ?? "", message: message,
      details: status["details"])
  }
}
