import Manifests

@testable import Skaffold

extension Harness {
  static let skaffold = Harness(
    name: "skaffold", usualLength: 512,
    dictionary: [
      "apiVersion: skaffold/v4beta11\n", "apiVersion: skaffold/v2beta29\n", "kind: Config\n", "metadata:\n", "build:\n",
      "  artifacts:\n", "  - image: ", "    context: ",
      "    docker:\n", "      dockerfile: ", "      buildArgs:\n", "    custom:\n", "      buildCommand: ",
      "    sync:\n", "      manual:\n", "  tagPolicy:\n", "    gitCommit: {}\n",
      "    envTemplate:\n", "      template: ", "    dateTime:\n", "      format: ", "    customTemplate:\n",
      "  local:\n", "    push: true\n", "manifests:\n", "  rawYaml:\n",
      "  kustomize:\n", "    paths:\n", "deploy:\n", "  kubectl:\n", "    manifests:\n", "portForward:\n",
      "- resourceType: ", "  resourceName: ", "  port: ", "profiles:\n",
      "- name: p\n", "  patches:\n", "  - op: replace\n", "    path: /build/artifacts/0\n", "    value: ",
      "  activation:\n", "  - env: A=", "  - command: ", "{{.A}}", "requires: ",
    ]
  ) { bytes in
    let read: [DevConfiguration]
    do throws(InputError) {
      var options = ReadingOptions(workingDirectory: "/nowhere")
      options.profiles = ["p"]
      options.environment = ["A": "a", "B": ""]
      options.kubeContext = "kind"
      options.checksSources = false
      read = try ConfigurationSet.read(
        String(decoding: bytes, as: UTF8.self), path: "/nowhere/skaffold.yaml", options
      ).configurations
    } catch {
      _ = error.description
      return
    }
    for configuration in read {
      _ = configuration.warnings.map(\.description)
      for artifact in configuration.artifacts { try promise(!artifact.image.isEmpty, "an artifact without a name") }
    }
  }

  static let template = Harness(
    name: "template", maximumLength: 1024, usualLength: 64,
    dictionary: [
      "{{", "}}", "{{-", "-}}", ".A", "|", "default ", "lower ", "trunc ", "replace ", "printf ", "\"%s\"", "quote",
      "/*", "*/", "2006-01-02", ".000", "MST",
    ]
  ) { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    if let template = try? EnvTemplate(text) { _ = try? template.expanded(["A": "a b", "B": ""]) }
    let time = GoTime(["2026", "01", "02", "03", "04", "05", "060000000", "UTC", "+0000", "Friday", "January", "002"])
    _ = time?.formatted(text)
  }
}
