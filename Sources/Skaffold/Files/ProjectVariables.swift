import Manifests

/// The variables of a project, by their use: those of the process, and those of the repository's skaffold.env that the
/// process does not have.
public struct ProjectVariables: Sendable, Hashable {
  /// The process's own: for the programs of a rendering.
  public let process: [String: String]
  /// With all of skaffold.env: for templates, activation and build arguments.
  public let all: [String: String]
  /// Without those of skaffold.env that make programs run or load others: for hooks and builders.
  public let programs: [String: String]
  /// A line for each variable of skaffold.env that programs do not get.
  public let warnings: [Diagnostic]

  private let file: [String: SkaffoldEnvironment.Variable]

  /// - Parameter directory: that of skaffold.env.
  /// - Throws: `InputError` with the line that is wrong.
  public init(in directory: String, process: [String: String]) throws(InputError) {
    self.process = process
    file = try SkaffoldEnvironment.read(in: directory).filter { process[$0.key] == nil }
    all = process.merging(file.mapValues(\.value)) { one, _ in one }
    let guarded = file.filter { Self.isGuarded($0.key) }
    programs = all.filter { guarded[$0.key] == nil }
    warnings = guarded.sorted { $0.value.position.line < $1.value.position.line }.map { name, variable in
      Diagnostic(
        .warning, "templates alone see \(name): programs could run code, or trust others, because of it",
        at: variable.position, remedy: "set it in the environment if programs need it")
    }
  }

  /// Returns the line of skaffold.env that sets a variable; nil if the process has it, or nobody.
  public func position(of name: String) -> SourcePosition? { file[name]?.position }

  /// Checks for a variable by which programs run or load others, find them, or choose whom they trust and reach. Such a
  /// list is never complete, so it holds whole families.
  static func isGuarded(_ name: String) -> Bool {
    names.contains(name) || families.contains(where: name.hasPrefix) || endings.contains(where: name.hasSuffix)
      || name.lowercased().hasSuffix("_proxy")
  }

  private static let names: Set = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "TMPDIR", "TMP", "TEMP", "ENV", "IFS", "CDPATH", "BASHOPTS",
    "SHELLOPTS", "PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS4", "ZDOTDIR", "FPATH", "GLIBC_TUNABLES", "GCONV_PATH",
    "LOCPATH", "NLSPATH", "HOSTALIASES", "LOCALDOMAIN", "RES_OPTIONS", "RESOLV_HOST_CONF", "PAGER", "EDITOR", "VISUAL",
    "BROWSER", "LESSOPEN", "LESSCLOSE", "NODE_OPTIONS", "NODE_PATH", "NODE_EXTRA_CA_CERTS",
    "NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONBREAKPOINT",
    "PYTHONWARNINGS", "RUBYOPT", "RUBYLIB", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH",
    "MAKEFLAGS", "MAKEFILES", "GNUMAKEFLAGS", "CURL_CA_BUNDLE", "CURL_HOME", "REQUESTS_CA_BUNDLE", "NETRC", "WGETRC",
    "SSLKEYLOGFILE", "GNUPGHOME", "GODEBUG", "GOFLAGS", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG",
    "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "DOCKER_CLI_PLUGIN_EXTRA_DIRS", "CONTAINER_HOST", "CONTAINER_CONNECTION",
    "BUILDKIT_HOST", "BUILDX_CONFIG", "REGISTRY_AUTH_FILE", "TAR_OPTIONS",
  ]

  private static let families = [
    "BASH_", "LD_", "DYLD_", "HELM_", "GIT_", "KUBE", "KUSTOMIZE_", "XDG_", "SSL_CERT_", "OPENSSL_", "SSH_", "PERL",
    "CONTAINERS_", "BUILDAH_", "GPG_", "DBUS_", "DEVTUNNEL_",
  ]

  private static let endings = ["_ASKPASS", "_PAGER", "_EDITOR"]
}
