import Foundation
import HTTPTestSupport
import KubeAPI
import Subprocess
import Testing

private let openssl = "/usr/bin/openssl"

/// TLS as a server sees it that wants client certificates: `openssl s_server`.
@Suite(
  .enabled(if: FileManager.default.isExecutableFile(atPath: openssl), "openssl is not installed"),
  .timeLimit(.minutes(1)), .serialized)
struct TLSTests {
  private let directory: Directory

  init() async throws {
    directory = try Directory()
    try directory.write("names", "subjectAltName=DNS:kubernetes,IP:127.0.0.1\n")
    for authority in ["ca", "other"] {
      try await run(
        """
        req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(authority).key -out \(authority).crt \
        -subj /CN=\(authority) -days 2
        """
      )
    }
    for (name, key) in [
      ("server", "ec -pkeyopt ec_paramgen_curve:P-256"), ("ec", "ec -pkeyopt ec_paramgen_curve:P-384"),
      ("rsa", "rsa:2048"),
    ] {
      try await run("req -newkey \(key) -nodes -keyout \(name).key -out \(name).csr -subj /CN=\(name)-client")
      try await run(
        "x509 -req -in \(name).csr -CA ca.crt -CAkey ca.key -CAcreateserial -out \(name).crt -days 2 -extfile names")
    }
    // The older form of an RSA key, as kubeconfigs of many providers hold it.
    try await run("rsa -in rsa.key -traditional -out rsa-traditional.key")
  }

  private func run(_ arguments: String) async throws {
    let result = try await Subprocess.run(
      .path(.init(openssl)), arguments: Arguments(arguments.split(separator: " ").map(String.init)),
      workingDirectory: .init(directory.path),
      output: .discarded, error: .discarded)
    #expect(result.terminationStatus.isSuccess, "openssl \(arguments)")
  }

  /// Runs a server while the body runs; the body is given its port.
  private func withServer(_ body: (Int) async throws -> Void) async throws {
    let arguments =
      "s_server -accept 127.0.0.1:0 -cert server.crt -key server.key -CAfile ca.crt -Verify 2 -verify_return_error -www"
    _ = try await Subprocess.run(
      .path(.init(openssl)), arguments: Arguments(arguments.split(separator: " ").map(String.init)),
      workingDirectory: .init(directory.path),
      input: .none, output: .sequence, error: .discarded
    ) { execution in
      var failure: (any Error)?
      do {
        var port: Int?
        for try await line in execution.standardOutput.strings() where line.hasPrefix("ACCEPT") {
          port = Int(line.split(separator: ":").last?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "")
          break
        }
        try await body(try #require(port))
      } catch {
        failure = error
      }
      await execution.teardown(using: [])
      if let failure { throw failure }
    }
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: "\(directory.path)/\(name)")))
  }

  private func client(
    _ port: Int, _ certificate: String?, key: String? = nil, authority: String = "ca", name: String? = nil
  ) throws -> KubeClient {
    var credentials = Credentials()
    if let certificate {
      credentials.clientCertificate = try bytes("\(certificate).crt")
      credentials.clientKey = try bytes("\(key ?? certificate).key")
    }
    return KubeClient(
      ClusterAccess(
        server: ServerURL(scheme: .https, host: "127.0.0.1", port: port),
        certificateAuthority: try bytes("\(authority).crt"), tlsServerName: name,
        credentials: CredentialSource(credentials)), retry: RetryPolicy(attempts: 1))
  }

  /// Certificate, and its key.
  @Test(arguments: [("ec", "ec"), ("rsa", "rsa"), ("rsa", "rsa-traditional")]) func clientCertificatesOfBothKinds(
    certificate: String, key: String
  )
    async throws
  {
    try await withServer { port in
      let page = String(decoding: try await client(port, certificate, key: key).raw("/"), as: UTF8.self)
      #expect(page.contains("CN=\(certificate)-client") || page.contains("CN = \(certificate)-client"), "\(page)")
    }
  }

  @Test func namesAreVerified() async throws {
    try await withServer { port in
      _ = try await client(port, "ec", name: "kubernetes").raw("/")
      for client in [try client(port, "ec", name: "wrong.example"), try client(port, "ec", authority: "other")] {
        let error = await #expect(throws: KubeError.self) { try await client.raw("/") }
        guard case .certificate = error else {
          Issue.record("\(error as Any)")
          return
        }
        let dialled = await #expect(throws: KubeError.self) {
          try await client.dialWebSocket(path: "/", subprotocols: ["a"])
        }
        guard case .certificate = dialled else {
          Issue.record("\(dialled as Any)")
          return
        }
      }
    }
  }

  @Test func aKeyThatDoesNotFitIsNamed() async throws {
    try await withServer { port in
      let client = try client(port, "ec", key: "rsa")
      let error = await #expect(throws: KubeError.self) { try await client.raw("/") }
      guard case .certificate = error else {
        Issue.record("\(error as Any)")
        return
      }
    }
  }
}
