@testable import KubeAPI

extension Harness {
  static let kubeconfig = Harness(
    name: "kubeconfig", usualLength: 384,
    dictionary: [
      "apiVersion: v1\n", "kind: Config\n", "clusters:\n", "users:\n", "contexts:\n", "current-context: ",
      "- name: a\n", "  cluster:\n", "  user:\n", "  context:\n",
      "    server: https://", "    certificate-authority-data: ", "    insecure-skip-tls-verify: true\n",
      "    proxy-url: ", "    exec:\n", "      command: ",
      "      apiVersion: client.authentication.k8s.io/v1\n", "      args: []\n", "      env: []\n",
      "      interactiveMode: Never\n", "    token: ", "    as-user-extra:\n",
      "    extensions:\n", "&a ", "*a",
    ]
  ) { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    do throws(KubeError) {
      let config = try Kubeconfig(parsing: text, file: "config")
      // No input chooses a file to be read.
      guard !text.contains("certificate-authority:"),
        config.clusters.allSatisfy({ $0.value.certificateAuthority == nil })
      else { return }
      for context in config.contexts.prefix(4) { _ = try config.access(context: context.name) }
      _ = try config.access()
    } catch { _ = error.description }
  }
}
