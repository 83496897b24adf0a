import Foundation
import HTTPTestSupport
import KubeObjects
import Testing

@testable import KubeAPI

@Suite(.timeLimit(.minutes(1))) struct CredentialTests {
  /// A plugin that counts its runs in a file, and prints what `body` says; `$N` is the run's number.
  private func plugin(_ body: String, in directory: Directory, timeout: Duration = .seconds(20)) throws -> ExecPlugin {
    let script =
      "#!/bin/sh\necho x >> \(directory.path)/runs\nN=$(wc -l < \(directory.path)/runs | tr -d ' ')\n\(body)\n"
    let path = try directory.write("plugin", script)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return ExecPlugin(command: path, interactiveMode: .never, timeout: timeout)
  }

  private func print(_ status: String) -> String {
    "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":'\"\(status)\"'}'"
  }

  @Test func aPluginIsRunOnceForAll() async throws {
    let directory = try Directory()
    let source = CredentialSource(
      plugin: try plugin("sleep 0.1; " + print("{\\\"token\\\":\\\"t$N\\\"}"), in: directory))
    let tokens = try await withThrowingTaskGroup(of: String?.self) { group in
      for _ in 0..<5 { group.addTask { try await source.current().bearerToken } }
      return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
    }
    #expect(tokens == ["t1"])
  }

  @Test func expiredCredentialsAreRenewed() async throws {
    let directory = try Directory()
    let source = CredentialSource(
      plugin: try plugin(
        print("{\\\"token\\\":\\\"t$N\\\",\\\"expirationTimestamp\\\":\\\"2020-01-01T00:00:00.123Z\\\"}"), in: directory
      ))
    let first = try await source.current().bearerToken
    let second = try await source.current().bearerToken
    #expect(first == "t1" && second == "t2")
  }

  @Test func a401DropsWhatThePluginGave() async throws {
    let directory = try Directory()
    let source = CredentialSource(plugin: try plugin(print("{\\\"token\\\":\\\"t$N\\\"}"), in: directory))
    try await withServer(credentials: source) { request, connection in
      if request.headers["authorization"] == "Bearer t2" {
        connection.reply(pod("a", version: 1))
      } else {
        connection.failure(401, "Unauthorized", "Unauthorized")
      }
    } _: { client, server in
      _ = try await client.get(.pods, "a")
      #expect(server.requests.count == 2)
    }
    try await withServer(credentials: source) { _, connection in
      connection.failure(401, "Unauthorized", "Unauthorized")
    } _: { client, server in
      let error = await #expect(throws: KubeError.self) { try await client.get(.pods, "a") }
      #expect(error?.statusCode == 401)
      #expect(server.requests.count == 2)
    }
  }

  @Test func thePluginIsToldWhatItMayKnow() async throws {
    let directory = try Directory()
    var plugin = try plugin(
      "echo \"$KUBERNETES_EXEC_INFO\" > \(directory.path)/info; echo \"$1 $EXTRA\" >> \(directory.path)/info; "
        + print("{\\\"token\\\":\\\"t\\\"}"),
      in: directory)
    plugin.cluster = ["server": "https://x"]
    plugin.arguments = ["login"]
    plugin.environment = ["EXTRA": "more"]
    _ = try await plugin.run()
    let lines = try String(contentsOfFile: "\(directory.path)/info", encoding: .utf8).split(separator: "\n").map(
      String.init)
    #expect(
      try JSONValue(parsing: lines[0]) == [
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "spec": ["interactive": false, "cluster": ["server": "https://x"]],
      ])
    #expect(lines[1] == "login more")
  }

  /// Script, and a word of the error.
  @Test(arguments: [
    ("echo broken >&2; exit 3", "plugin ended with exit status 3: broken"),
    ("kill -9 $$", "plugin was ended by signal 9"), ("echo hello", "ExecCredential"), ("sleep 30", "did not answer"),
    ("sleep 30 & wait", "did not answer"),
    (
      "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{}}'",
      "neither a token"
    ),
    (
      """
      echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"t"}}'
      """,
      "the kubeconfig says"
    ),
  ]) func aPluginThatFailsSaysWhy(body: String, word: String) async throws {
    let directory = try Directory()
    let plugin = try plugin(body, in: directory, timeout: .seconds(2))
    let error = await #expect(throws: KubeError.self) { try await plugin.run() }
    #expect(error?.description.contains(word) == true, "\(error as Any)")
  }

  /// A plugin in debug mode prints what it sends; a message must neither hold it nor steer a terminal, nor be any
  /// length.
  @Test func whatAPluginPrintsIsShownWithCare() async throws {
    let directory = try Directory()
    let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEyMyJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlMTIzNDU2Nzg5MA"
    let plugin = try plugin(
      """
      printf 'refresh_token=\(token)\\n\\033]0;title\\007\\033[31mAuthorization: Bearer abc123\\033[0m\\n' >&2; \
      head -c 300000 /dev/zero | tr '\\0' x >&2; echo ' reason' >&2; exit 1
      """,
      in: directory)
    let error = await #expect(throws: KubeError.self) { try await plugin.run() }
    let text = try #require(error?.description)
    #expect(
      text.contains("refresh_token=[hidden]") && text.contains("Authorization: Bearer [hidden]")
        && text.contains("reason"), "\(text)")
    #expect(
      !text.contains("eyJ") && !text.contains("abc123") && !text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" }
    )
    #expect(text.count < 1300)
  }

  @Test(arguments: [
    ("plain words: the token has expired", "plain words: the token has expired"),
    ("k8s-aws-v1.aHR0cHM6Ly9zdHMuYW1hem9uYXdzLmNvbS8_QWN0aW9uPUdldA", "k8s-aws-v1.[hidden]"),
    (
      "trace 4b1c8a52-7d0e-4c8e-9d35-0f2b6a1f8e11 of my-cluster-in-eu-west-1-with-nodes-2",
      "trace 4b1c8a52-7d0e-4c8e-9d35-0f2b6a1f8e11 of my-cluster-in-eu-west-1-with-nodes-2"
    ),
    (
      "https://login.microsoftonline.com/common/oauth2/v2.0/token failed",
      "https://login.microsoftonline.com/common/oauth2/v2.0/token failed"
    ),
    ("password: hunter2", "password: [hidden]"), ("{\"client_secret\":\"x1\"}", "{\"client_secret\":\"[hidden]\"}"),
    ("a\u{202E}b\u{9B}31mc\tline\r\n\n second", "ab31mc line\nsecond"),
    ("\u{1B}]8;;http://x\u{1B}\\link\u{1B}]8;;\u{1B}\\", "link"),
  ]) func secretsAndControlsAreFiltered(text: String, shown: String) { #expect(PluginText.shown(text) == shown) }

  @Test func aMissingPluginShowsItsHint() async throws {
    let plugin = ExecPlugin(
      command: "no-such-login-plugin", installHint: "get it from example.com", interactiveMode: .never)
    let error = await #expect(throws: KubeError.self) { try await plugin.run() }
    #expect(
      error
        == .execPlugin(command: "no-such-login-plugin", problem: "is not installed", hint: "get it from example.com"))
  }

  @Test func aTokenFileIsReadAgainAfterAMinute() throws {
    let directory = try Directory()
    let path = try directory.write("token", "one")
    var file = RefreshedFile(path)
    let start = ContinuousClock.now
    #expect(try file.contents(now: start) == Array("one".utf8))
    try directory.write("token", "two")
    #expect(try file.contents(now: start + .seconds(59)) == Array("one".utf8))
    #expect(try file.contents(now: start + .seconds(61)) == Array("two".utf8))
    try FileManager.default.removeItem(atPath: path)
    #expect(try file.contents(now: start + .seconds(200)) == Array("two".utf8))
    var missing = RefreshedFile(path)
    #expect(throws: KubeError.self) { try missing.contents() }
  }
}
