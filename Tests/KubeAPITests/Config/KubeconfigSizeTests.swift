import Glibc
import KubeAPI
import Testing

/// A kubeconfig may have 8 MiB: the time to read it grows with its length, and not with the square of it.
@Suite struct KubeconfigSizeTests {
  /// - Returns: the processor's time to read the text and follow one of its contexts.
  private func time(_ text: String) throws -> Double {
    let start = clock()
    let config = try Kubeconfig(parsing: text, file: "config")
    if let context = config.contexts.last { _ = try config.access(context: context.name) }
    return Double(clock() - start) / Double(CLOCKS_PER_SEC)
  }

  private static func contexts(_ count: Int) -> String {
    "clusters:\n- {name: k, cluster: {server: \"https://k.example\"}}\nusers:\n- {name: u, user: {token: t}}\n"
      + "contexts:\n"
      + (0..<count).map { "- name: c\($0)\n  context: {cluster: k, user: u, namespace: n}\n" }.joined()
  }

  private static func arguments(_ count: Int) -> String {
    "users:\n- name: u\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: x\n"
      + "      args:\n"
      + (0..<count).map { "      - argument-\($0)\n" }.joined()
  }

  private static func extras(_ count: Int) -> String {
    "users:\n- name: u\n  user:\n    as: a\n    as-user-extra:\n" + (0..<count).map { "      k\($0): [v]\n" }.joined()
  }

  private static func clusterExtension(_ count: Int) -> String {
    "clusters:\n- name: k\n  cluster:\n    extensions:\n    - name: client.authentication.k8s.io/exec\n"
      + "      extension:\n"
      + (0..<count).map { "        k\($0): \($0)\n" }.joined()
  }

  @Test(arguments: ["contexts", "arguments", "extras", "extension"]) func timeGrowsWithTheLength(kind: String) throws {
    let make = [
      "contexts": Self.contexts, "arguments": Self.arguments, "extras": Self.extras, "extension": Self.clusterExtension,
    ][kind]!
    let (short, long) = (make(500), make(4500))
    let (less, more) = (try time(short), try time(long))
    // Nine times the text; eighty times the time where each entry looks at all others.
    #expect(
      more < 0.2 + less * 30, "\(kind): \(less) s for \(short.utf8.count) bytes, \(more) s for \(long.utf8.count)")
  }
}
