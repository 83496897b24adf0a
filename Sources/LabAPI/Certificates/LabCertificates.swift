import Subprocess

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The lab's CA, and the two certificates it signs: the server's and the administrator's. EC P-256, made with the
/// `openssl` command, kept in the state directory so that a kubeconfig outlives a restart.
struct LabCertificates: Sendable {
  static let adminName = "lab-admin"

  var authority: String
  var serverCertificate: String
  var serverKey: String
  var adminCertificate: String
  var adminKey: String

  /// Reads what is there for these names, and makes what is missing.
  /// - Throws: `LabError`.
  static func prepare(in directory: String, names: [String]) async throws -> LabCertificates {
    try StateFiles.makeDirectory(directory)
    let wanted = names.joined(separator: "\n")
    if StateFiles.read(directory + "/names") != wanted || StateFiles.read(directory + "/admin.crt") == nil {
      try await make(in: directory, names: names)
      try StateFiles.write(wanted, to: directory + "/names")
    }
    func file(_ name: String) throws -> String {
      guard let text = StateFiles.read("\(directory)/\(name)") else {
        throw LabError(
          .stateDirectory, "\(directory)/\(name) cannot be read: remove \(directory) and start the lab again")
      }
      return text
    }
    return LabCertificates(
      authority: try file("ca.crt"), serverCertificate: try file("server.crt"), serverKey: try file("server.key"),
      adminCertificate: try file("admin.crt"), adminKey: try file("admin.key"))
  }

  private static func make(in directory: String, names: [String]) async throws {
    if StateFiles.read(directory + "/ca.crt") == nil {
      let subject = [
        "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
        "/CN=devtunnel-lab-ca",
      ]
      let extensions = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
      try await openssl(
        ["req"] + subject + extensions + [
          "-days", "3650", "-keyout", "\(directory)/ca.key", "-out", "\(directory)/ca.crt",
        ])
    }
    let alternatives = names.map { isAddress($0) ? "IP:\($0)" : "DNS:\($0)" }.joined(separator: ",")
    try await sign(
      "server", "/CN=kube-apiserver", ["subjectAltName=\(alternatives)", "extendedKeyUsage=serverAuth"], in: directory)
    try await sign("admin", "/O=system:masters/CN=\(adminName)", ["extendedKeyUsage=clientAuth"], in: directory)
  }

  private static func sign(_ name: String, _ subject: String, _ extensions: [String], in directory: String) async throws
  {
    let base = "\(directory)/\(name)"
    try StateFiles.write(extensions.joined(separator: "\n") + "\n", to: base + ".ext")
    try await openssl([
      "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject, "-keyout",
      base + ".key", "-out",
      base + ".csr",
    ])
    try await openssl([
      "x509", "-req", "-in", base + ".csr", "-CA", "\(directory)/ca.crt", "-CAkey", "\(directory)/ca.key",
      "-CAcreateserial", "-days", "3650",
      "-extfile", base + ".ext", "-out", base + ".crt",
    ])
  }

  private static func openssl(_ arguments: [String]) async throws {
    do {
      let result = try await run(
        .name("openssl"), arguments: Arguments(arguments), output: .discarded, error: .string(limit: 16384))
      guard result.terminationStatus.isSuccess else {
        throw LabError(.certificates, "openssl \(arguments[0]) failed: \(result.standardError)")
      }
    } catch let error as LabError {
      throw error
    } catch {
      throw LabError(
        .certificates,
        "the lab's certificates need the openssl command, which could not be run (\(error)): install openssl")
    }
  }

  private static func isAddress(_ name: String) -> Bool {
    name.contains(":") || name.allSatisfy { $0.isNumber || $0 == "." }
  }
}
