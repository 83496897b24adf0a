import Foundation
import KubeObjects
import Testing

@testable import KubeAPI

@Suite struct KubeconfigLoadingTests {
  private let directory: Directory

  init() throws { directory = try Directory() }

  private func config(_ name: String, token: String, current: String? = nil, extra: String = "") -> String {
    (current.map { "current-context: \($0)\n" } ?? "") + """
      contexts: [{name: \(name), context: {cluster: \(name), user: shared}}]
      clusters: [{name: \(name), cluster: {server: "https://\(name)"\(extra)}}]
      users: [{name: shared, user: {token: \(token)}}]
      """
  }

  @Test func severalFilesAreMergedTheFirstWins() async throws {
    let first = try directory.write("first", config("a", token: "one"))
    let second = try directory.write("second", config("b", token: "two", current: "b"))
    let environment = ["KUBECONFIG": "\(directory.path)/missing:\(first):\(second)"]
    let access = try ClusterAccess.load(environment: environment)
    #expect(access.contextName == "b" && access.server.host == "b")
    let credentials = try await access.credentials.current()
    #expect(credentials.bearerToken == "one")
    #expect(try ClusterAccess.load(context: "a", environment: environment).server.host == "a")
  }

  @Test func theFlagStandsAboveTheEnvironmentAndMustExist() throws {
    let first = try directory.write("first", config("a", token: "one"))
    let second = try directory.write("second", config("b", token: "two"))
    #expect(try ClusterAccess.load(kubeconfig: second, environment: ["KUBECONFIG": first]).server.host == "b")
    let error = #expect(throws: KubeError.self) {
      try ClusterAccess.load(kubeconfig: "/no/such/file", environment: ["KUBECONFIG": first])
    }
    #expect(error?.description.hasPrefix("/no/such/file: the file does not exist") == true, "\(error as Any)")
  }

  /// Ten megabytes, and a file without an end.
  @Test func aFileThatIsTooLongIsRefused() throws {
    let path = try directory.write("large", "# " + String(repeating: "x", count: 10 << 20))
    for file in [path, "/dev/zero"] {
      let error = #expect(throws: KubeError.self) { try ClusterAccess.load(kubeconfig: file) }
      #expect(error?.description.hasPrefix("\(file): the file has more than 8 MiB") == true, "\(error as Any)")
    }
    let error = #expect(throws: KubeError.self) { try ClusterAccess.load(kubeconfig: directory.path) }
    #expect(error?.description.contains("is a directory") == true, "\(error as Any)")
  }

  @Test func pathsAreJoinedWithOneSlash() {
    #expect(Kubeconfig.Source(file: "/config", line: nil).resolve("first/ca") == "/first/ca")
    #expect(Kubeconfig.Source(file: "/a/config", line: nil).resolve("ca") == "/a/ca")
    #expect(Kubeconfig.Source(file: "config", line: nil).resolve("ca") == "./ca")
  }

  @Test(arguments: ["70000", "-1", "0", "9223372036854775808", "x"]) func aPortThatIsNoneLeadsToNoCluster(port: String)
    throws
  {
    for name in ["ca.crt", "token"] { try directory.write(name, "x") }
    #expect(
      try ClusterAccess.inCluster(
        environment: ["KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": port], directory: directory.path)
        == nil)
  }

  @Test func theHomeDirectoryComesLast() throws {
    try directory.write(".kube/config", config("a", token: "one"))
    #expect(try ClusterAccess.load(environment: ["HOME": directory.path]).server.host == "a")
    let error = #expect(throws: KubeError.self) { try ClusterAccess.load(environment: ["HOME": "/no/such/home"]) }
    #expect(
      error?.description
        == """
        /no/such/home/.kube/config: no kubeconfig was found; \
        set KUBECONFIG, or pass --kubeconfig, to the file for your cluster
        """
    )
  }

  @Test func pathsCountFromTheFileThatNamesThem() async throws {
    try directory.write("deep/ca.crt", "CA")
    try directory.write("deep/token", "secret\n")
    try directory.write("deep/cert", "CERT")
    try directory.write("deep/key", "KEY")
    let file = try directory.write(
      "deep/config",
      """
      contexts: [{name: a, context: {cluster: a, user: a}}]
      clusters: [{name: a, cluster: {server: "https://a", certificate-authority: ca.crt}}]
      users: [{name: a, user: {tokenFile: ./token, client-certificate: cert, client-key: key}}]
      """)
    let access = try ClusterAccess.load(kubeconfig: file, environment: [:])
    #expect(access.certificateAuthority == Array("CA".utf8))
    let credentials = try await access.credentials.current()
    #expect(
      credentials
        == Credentials(bearerToken: "secret", clientCertificate: Array("CERT".utf8), clientKey: Array("KEY".utf8)))
  }

  @Test func aPluginKnowsItsCluster() async throws {
    let script = try directory.write(
      "bin/login",
      """
      #!/bin/sh
      TOKEN=$(echo "$KUBERNETES_EXEC_INFO" | tr -dc a-zA-Z0-9)
      echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"'$TOKEN'"}}'

      """
    )
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
    let file = try directory.write(
      "config",
      """
      contexts: [{name: a, context: {cluster: a, user: a}}]
      clusters:
      - name: a
        cluster:
          server: "https://a"
          certificate-authority-data: Q0E=
          extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: x, level: 3}}]
      users:
      - name: a
        user:
          exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./bin/login,
            provideClusterInfo: true, interactiveMode: Never}
      """)
    let token = try await ClusterAccess.load(kubeconfig: file, environment: [:]).credentials.current().bearerToken
    let expected: JSONValue = [
      "apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential",
      "spec": [
        "interactive": false,
        "cluster": [
          "server": "https://a", "certificate-authority-data": "Q0E=", "config": ["audience": "x", "level": 3],
        ],
      ],
    ]
    #expect(token == expected.description.filter { $0.isLetter || $0.isNumber })
  }

  @Test func insideAPodItsServiceAccountCounts() async throws {
    try directory.write("ca.crt", "CA")
    try directory.write("token", "secret")
    try directory.write("namespace", "shop")
    let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
    let access = try #require(try ClusterAccess.inCluster(environment: environment, directory: directory.path))
    #expect(
      access.server.description == "https://[fd00::1]:443" && access.namespace == "shop"
        && access.certificateAuthority == Array("CA".utf8))
    let credentials = try await access.credentials.current()
    #expect(credentials.bearerToken == "secret")
    #expect(try ClusterAccess.inCluster(environment: [:], directory: directory.path) == nil)
  }
}
