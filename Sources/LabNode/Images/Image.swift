import KubeObjects

/// An image in the lab's storage: what its configuration says (OCI image specification, "Image Configuration").
struct Image: Sendable, Hashable {
  /// The configuration's digest without `sha256:`; 64 hexadecimal digits.
  var identifier: String
  var digest: String
  var entrypoint: [String]
  var command: [String]
  var environment: [String]
  var workingDirectory: String
  var user: String

  /// Reads `buildah inspect --type image`.
  init?(inspected: JSONValue) {
    guard let identifier = inspected["FromImageID"]?.stringValue, !identifier.isEmpty else { return nil }
    let config = inspected[path: "OCIv1", "config"]
    func strings(_ key: String) -> [String] { (config?[key]?.elements ?? []).compactMap(\.stringValue) }
    self.identifier = identifier
    digest = inspected["FromImageDigest"]?.stringValue ?? ""
    entrypoint = strings("Entrypoint")
    command = strings("Cmd")
    environment = strings("Env")
    workingDirectory = config?["WorkingDir"]?.stringValue ?? ""
    user = config?["User"]?.stringValue ?? ""
  }

  init(
    identifier: String, entrypoint: [String] = [], command: [String] = [], environment: [String] = [],
    workingDirectory: String = "",
    user: String = ""
  ) {
    self.identifier = identifier
    digest = ""
    self.entrypoint = entrypoint
    self.command = command
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.user = user
  }
}
