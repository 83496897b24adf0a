import KubeObjects

/// One kubeconfig, or several merged (kubernetes.io, "Organizing Cluster Access Using kubeconfig Files").
public struct Kubeconfig: Sendable {
  /// An entry, with its position: relative paths in it begin at its file's directory.
  public struct Named<Value: Sendable>: Sendable {
    public let name: String
    public let value: Value
    public let source: Source
  }

  public struct Source: Sendable, Hashable {
    public let file: String
    /// The entry's line, from 1.
    public let line: Int?

    /// The file's directory, "." if the path has none.
    var directory: String {
      guard let slash = file.lastIndex(of: "/") else { return "." }
      return slash == file.startIndex ? "/" : String(file[..<slash])
    }

    func resolve(_ path: String) -> String {
      path.hasPrefix("/") ? path : (directory == "/" ? "" : directory) + "/" + path
    }

    func error(_ problem: String, _ remedy: String) -> KubeError {
      .config(file: file, line: line, problem: problem, remedy: remedy)
    }
  }

  public struct Cluster: Sendable, Hashable {
    public var server: String?
    public var certificateAuthority: String?
    public var certificateAuthorityData: String?
    public var tlsServerName: String?
    public var insecureSkipTLSVerify = false
    public var proxyURL: String?
    /// The extension `client.authentication.k8s.io/exec`, for plugins.
    public var execConfiguration: JSONValue?
  }

  public struct User: Sendable, Hashable {
    public var clientCertificate: String?
    public var clientCertificateData: String?
    public var clientKey: String?
    public var clientKeyData: String?
    public var token: String?
    public var tokenFile: String?
    public var username: String?
    public var password: String?
    public var exec: Exec?
    public var impersonation: Impersonation?
    /// The provider's name: such users are refused, since client-go dropped them too.
    public var authProvider: String?
  }

  public struct Exec: Sendable, Hashable {
    public var command: String
    public var arguments: [String] = []
    public var environment: [String: String] = [:]
    public var apiVersion: String
    public var installHint = ""
    public var interactiveMode: ExecPlugin.InteractiveMode = .ifAvailable
    public var provideClusterInfo = false
  }

  public struct Context: Sendable, Hashable {
    public var cluster: String
    public var user: String
    public var namespace: String?
  }

  /// The files that were read.
  public var files: [String] = []
  public var currentContext: String?
  public var clusters: [Named<Cluster>] = []
  public var users: [Named<User>] = []
  public var contexts: [Named<Context>] = []

  public init() {}

  /// Adds the values and entries that this file lacks: the first file to set one wins.
  public mutating func merge(_ other: Kubeconfig) {
    files += other.files
    if currentContext == nil { currentContext = other.currentContext }
    Self.add(other.clusters, to: &clusters)
    Self.add(other.users, to: &users)
    Self.add(other.contexts, to: &contexts)
  }

  private static func add<Value>(_ others: [Named<Value>], to entries: inout [Named<Value>]) {
    let names = Set(entries.map(\.name))
    entries += others.filter { !names.contains($0.name) }
  }
}
