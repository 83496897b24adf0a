import Foundation
import KubeAPI
import KubeObjects
import Testing

@Suite struct KubeconfigTests {
  static let text = """
    apiVersion: v1
    kind: Config
    current-context: dev
    contexts:
    - name: dev
      context: {cluster: remote, user: alice, namespace: shop}
    - name: other
      context: {cluster: plain, user: bob}
    - name: lost
      context: {cluster: nowhere, user: alice}
    - name: nobody
      context: {cluster: remote, user: carol}
    clusters:
    - name: remote
      cluster:
        server: https://api.example:6443/k8s/
        certificate-authority-data: Q0E=
        tls-server-name: kubernetes
        proxy-url: socks5://localhost:1080
    - name: plain
      cluster: {server: "http://[::1]:8080", insecure-skip-tls-verify: true}
    users:
    - name: alice
      user:
        token: 12345
        as: root
        as-groups: [a, b]
        as-user-extra: {reason: [because]}
    - name: bob
      user: {username: bob, password: "pass"}

    """

  @Test func theCurrentContextIsFollowed() async throws {
    let access = try Kubeconfig(parsing: Self.text, file: "/a/config").access()
    #expect(access.contextName == "dev" && access.namespace == "shop")
    #expect(access.server == ServerURL(scheme: .https, host: "api.example", port: 6443, basePath: "/k8s"))
    #expect(
      access.certificateAuthority == Array("CA".utf8) && access.tlsServerName == "kubernetes"
        && access.proxyURL == "socks5://localhost:1080")
    #expect(access.impersonation == Impersonation(user: "root", groups: ["a", "b"], extra: ["reason": ["because"]]))
    #expect(access.warnings.isEmpty)
    let credentials = try await access.credentials.current()
    #expect(credentials == Credentials(bearerToken: "12345"))
  }

  @Test func contextAndNamespaceCanBeChosen() async throws {
    let access = try Kubeconfig(parsing: Self.text, file: "/a/config").access(context: "other", namespace: "n")
    #expect(access.namespace == "n" && access.server.host == "::1" && access.server.description == "http://[::1]:8080")
    #expect(access.warnings.count == 1 && access.warnings[0].contains("insecure-skip-tls-verify"))
    let credentials = try await access.credentials.current()
    #expect(credentials.basic == .init(username: "bob", password: "pass"))
  }

  /// Context, and the error for it.
  @Test(arguments: [
    ("missing", "/a/config: there is no context 'missing'; use one of: dev, lost, nobody, other"),
    ("lost", "/a/config:9: there is no cluster 'nowhere'; use one of: plain, remote"),
    ("nobody", "/a/config:11: there is no user 'carol'; use one of: alice, bob"),
  ]) func whatIsAbsentIsNamed(context: String, message: String) throws {
    let config = try Kubeconfig(parsing: Self.text, file: "/a/config")
    let error = #expect(throws: KubeError.self) { try config.access(context: context) }
    #expect(error?.description == message)
  }

  /// Text, line, column, and a word of the problem.
  static let broken: [(String, Int?, Int?, String)] = [
    ("a: [\n", 2, 1, "not YAML"),
    ("clusters:\n\t- x", 2, 1, "not YAML"),
    ("just text", 1, 1, "not a kubeconfig"),
    ("users: []\nkind: Config\nusers: []", 3, 1, "'users' appears twice"),
    ("kind: Config\n---\nkind: Config", 3, 1, "a second document"),
    ("kind: Pod", 1, 1, "'Pod' is not a kubeconfig"),
    ("clusters: {}", 1, 11, "a list"),
    ("clusters:\n- cluster: {}", 2, 3, "no name"),
    ("clusters:\n- name: a\n  cluster: {server: [x]}", 3, 21, "a string"),
    ("clusters:\n- name: a\n  cluster: {insecure-skip-tls-verify: maybe}", 3, 39, "neither true nor false"),
    ("users:\n- name: a\n  user: {exec: {apiVersion: client.authentication.k8s.io/v1}}", 3, 16, "no command"),
    (
      "users:\n- name: a\n  user: {exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}}", 3, 16,
      "v1alpha1"
    ),
  ]

  @Test(arguments: broken) func aBrokenFileIsLocated(text: String, line: Int?, column: Int?, word: String) throws {
    let error = #expect(throws: KubeError.self) { try Kubeconfig(parsing: text, file: "f") }
    guard case .config(let file, let foundLine, let foundColumn, let problem, _) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(file == "f" && foundLine == line && foundColumn == column && problem.contains(word), "\(error as Any)")
  }

  /// A user, and a word of what is wrong with it.
  @Test(arguments: [
    ("auth-provider: {name: gcp}", "auth-provider 'gcp'"),
    ("client-certificate-data: Q0E=", "certificate without a key"),
    ("{client-certificate-data: '***', client-key-data: Q0E=}", "not base64"),
  ]) func aUserThatCannotWorkIsRefused(user: String, word: String) throws {
    let text = """
      contexts: [{name: a, context: {cluster: a, user: a}}]
      clusters: [{name: a, cluster: {server: "https://a"}}]
      users:
      - name: a
        user: \(user.hasPrefix("{") ? user : "{\(user)}")
      """
    let config = try Kubeconfig(parsing: text, file: "f")
    let error = #expect(throws: KubeError.self) { try config.access() }
    #expect(
      error?.description.contains(word) == true && error?.description.hasPrefix("f:4: ") == true, "\(error as Any)")
  }

  /// A cluster, and a word of what is wrong with it.
  @Test(arguments: [
    ("server: 'ftp://a'", "is not a server"), ("namespace: a", "has no server"),
    ("server: 'https://a', proxy-url: 'ssh://x'", "proxy-url"),
    (
      "server: 'https://a', certificate-authority-data: Q0E=, insecure-skip-tls-verify: true",
      "remove insecure-skip-tls-verify"
    ),
    ("server: 'https://a', certificate-authority: no-such-file", "./no-such-file: the file does not exist"),
  ]) func aClusterThatCannotWorkIsRefused(cluster: String, word: String) throws {
    let config = try Kubeconfig(
      parsing: "contexts: [{name: a, context: {cluster: a}}]\nclusters: [{name: a, cluster: {\(cluster)}}]", file: "f")
    let error = #expect(throws: KubeError.self) { try config.access() }
    #expect(error?.description.contains(word) == true, "\(error as Any)")
  }

  @Test(arguments: [
    ("https://a", 443, ""), ("http://a/", 80, ""), ("a:8080", 8080, ""), ("https://a:6443/b/c//", 6443, "/b/c"),
  ]) func serversAreParsed(text: String, port: Int, path: String) {
    let server = ServerURL(text)
    #expect(server?.host == "a" && server?.port == port && server?.basePath == path)
  }

  @Test(arguments: ["", "https://", "ssh://a", "https://a:b", "https://a:0", "https://user@a", "https://[::1"])
  func otherServersAreRefused(
    text: String
  ) {
    #expect(ServerURL(text) == nil)
  }
}
