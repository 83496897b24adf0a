#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The source of a user's credentials: fixed values, files that are renewed, or a plugin. One call of
/// the plugin serves all that wait.
public actor CredentialSource {
  private var fixed: Credentials
  private var tokenFile: RefreshedFile?
  private var certificateFile: RefreshedFile?
  private var keyFile: RefreshedFile?
  private let plugin: ExecPlugin?
  private var issued: ExecCredential?
  private var running: Task<Result<ExecCredential, KubeError>, Never>?

  /// - Parameters:
  ///   - fixed: known values; a file's contents override them, except that certificate data overrides a
  ///     certificate file.
  ///   - plugin: run for credentials that `fixed` and the files do not give.
  public init(
    _ fixed: Credentials = Credentials(), tokenFile: String? = nil, certificateFile: String? = nil,
    keyFile: String? = nil, plugin: ExecPlugin? = nil
  ) {
    self.fixed = fixed
    self.tokenFile = tokenFile.map(RefreshedFile.init)
    self.certificateFile = fixed.clientCertificate == nil ? certificateFile.map(RefreshedFile.init) : nil
    self.keyFile = fixed.clientKey == nil ? keyFile.map(RefreshedFile.init) : nil
    self.plugin = plugin
  }

  /// Returns the present credentials. Runs the plugin if it has not run, or its credentials have expired.
  public func current() async throws(KubeError) -> Credentials {
    var credentials = fixed
    if let token = try tokenFile?.contents() {
      credentials.bearerToken = String(decoding: token, as: UTF8.self).trimmed
    }
    if let certificate = try certificateFile?.contents() { credentials.clientCertificate = certificate }
    if let key = try keyFile?.contents() { credentials.clientKey = key }
    guard let plugin else { return credentials }
    let issued = try await issue(plugin)
    credentials.bearerToken = issued.credentials.bearerToken ?? credentials.bearerToken
    credentials.clientCertificate = issued.credentials.clientCertificate ?? credentials.clientCertificate
    credentials.clientKey = issued.credentials.clientKey ?? credentials.clientKey
    return credentials
  }

  /// Drops credentials that may have been revoked. Call it after a 401.
  /// - Parameter refused: the credentials that the server was shown.
  /// - Returns: whether `current()` may now give something else, so that a retry makes sense.
  public func invalidate(_ refused: Credentials) -> Bool {
    tokenFile?.forget()
    // Another task may have got new ones already.
    if let issued, issued.credentials.bearerToken == refused.bearerToken || refused.bearerToken == nil {
      self.issued = nil
    }
    return plugin != nil || tokenFile != nil
  }

  private func issue(_ plugin: ExecPlugin) async throws(KubeError) -> ExecCredential {
    if let issued, !issued.hasExpired { return issued }
    let task: Task<Result<ExecCredential, KubeError>, Never>
    if let running {
      task = running
    } else {
      task = Task {
        do throws(KubeError) { return .success(try await plugin.run()) } catch { return .failure(error) }
      }
      running = task
    }
    let result = await task.value
    if running == task {
      running = nil
      if case .success(let fresh) = result { issued = fresh }
    }
    return try result.get()
  }
}

extension String {
  /// The text without white space and line breaks at its ends.
  var trimmed: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
