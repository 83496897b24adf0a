import KubeObjects
import Manifests
import Skaffold
import Testing

struct RenderingTests {
  private let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: 'shop:1'}]}\n"

  @Test("Raw manifests, patched; what is odd is a warning")
  func raw() async throws {
    let project = try Project([
      "k8s/b.yaml": pod, "k8s/a.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n", "k8s/notes.txt": "",
      "skaffold.yaml":
        """
      apiVersion: skaffold/v4beta11
      kind: Config
      manifests: {rawYaml: [k8s/*, none/*.yaml]}
      deploy: {kubectl: {defaultNamespace: dev}}

      """,
    ])
    let configurations = try project.load()
    let rendering = try await Rendering.render(
      configurations, patches: ManifestPatches(images: ["shop": "shop@sha256:1", "ship": "x"]), environment: [:])
    #expect(rendering.manifests.map(\.id.description) == ["Service dev/s", "Pod dev/p"])
    #expect(rendering.manifests[1].position?.description == project.path + "/k8s/b.yaml:1:1")
    #expect(
      rendering.warnings.map(\.message) == [
        "\(project.path)/k8s/notes.txt is left out: it is neither *.yaml, *.yml nor *.json",
        "no file matches \(project.path)/none/*.yaml",
        "no object uses the image ship",
      ])
    #expect(
      rendering.yaml.hasSuffix(
        """
        kind: Pod
        metadata:
          name: p
          namespace: dev
        spec:
          containers:
          - image: shop@sha256:1
            imagePullPolicy: IfNotPresent
            name: c
          dnsPolicy: Default

        """))
    #expect(configurations[0].manifests.watchedFiles() == ["a", "b"].map { "\(project.path)/k8s/\($0).yaml" })
    let plain = try await Rendering.render(configurations, patches: nil, environment: [:])
    #expect(plain.manifests.map(\.namespace) == [nil, nil])
  }

  @Test("Every file that is wrong is reported")
  func wrong() async throws {
    let project = try Project([
      "k8s/a.yaml": "a: [\n", "k8s/b.yaml": "kind: Pod\n", "k8s/c.yaml": pod,
      "skaffold.yaml": "apiVersion: skaffold/v4beta11\nkind: Config\n",
    ])
    let configurations = try project.load()
    let error = try await #require(throws: InputError.self) {
      try await Rendering.render(configurations, patches: nil, environment: [:])
    }
    #expect(error.diagnostics.map { $0.position?.file.split(separator: "/").last } == ["a.yaml", "b.yaml"])
  }
}
