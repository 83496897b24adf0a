import Manifests
import Skaffold
import Testing

struct SchemaTests {
  @Test(
    "Schemas from v1beta1 to v4beta14 are read",
    arguments: ["v1beta1", "v1beta17", "v1", "v2alpha3", "v2beta29", "v3alpha1", "v3", "v4beta1", "v4beta14"])
  func known(version: String) throws {
    let configuration = try Project.configuration(
      "apiVersion: skaffold/\(version)\nkind: Config\nbuild: {artifacts: [{image: shop}]}\n")
    #expect(configuration.artifacts.map(\.image) == ["shop"])
  }

  @Test(
    "Another schema is reported with those that are known",
    arguments: ["skaffold/v9", "skaffold/v1alpha4", "v1", "apps/v1"])
  func unknown(version: String) throws {
    let problems = try Project.problems("# a comment\napiVersion: \(version)\nkind: Config\n")
    #expect(problems.map(\.position?.line) == [2])
    #expect(
      problems[0].remedy?.contains(
        "skaffold/v1beta1 to v1beta17, skaffold/v1, skaffold/v2alpha1 to v2alpha4, skaffold/v2beta1 to v2beta29")
        == true)
    #expect(problems[0].remedy?.contains("skaffold/v4beta1 to v4beta14") == true)
  }

  @Test("A file that is none, empty or not there")
  func noFile() throws {
    #expect(try Project.problems("kind: Config\n").map(\.message) == ["apiVersion is missing"])
    #expect(try Project.problems("# nothing\n").first?.message.hasSuffix("is empty") == true)
    let project = try Project([:])
    let error = try #require(throws: InputError.self) { try project.load() }
    #expect(error.diagnostics.map { $0.message.contains("\(project.path)/skaffold.yaml") } == [true])
  }

  @Test("Everything wrong is reported at once, with line and path")
  func allAtOnce() throws {
    let problems = try Project.problems(
      """
      apiVersion: skaffold/v4beta11
      kind: Config
      build:
        artifacts:
        - image: a
          context: nowhere
        - image: b
          jib: {}
        - context: .
        - image: d
          docker: {dockerfile: Gone, noCache: maybe, tarrget: x}
        googleCloudBuild: {}
        tagPolicy:
          customTemplate: {}
      manifests:
        kpt: [k8s]
        rawYaml: gone.yaml
      portForward:
      - {resourceType: service, resourceName: a, port: 99999}
      wrong: 1
      """)
    #expect(
      Set(problems.map { "\($0.position?.line ?? 0) \($0.field ?? "")" }) == [
        "6 build.artifacts[0].context", "8 build.artifacts[1].jib", "9 build.artifacts[2]",
        "11 build.artifacts[3].docker.dockerfile",
        "11 build.artifacts[3].docker.noCache",
        "11 build.artifacts[3].docker.tarrget", "12 build.googleCloudBuild", "14 build.tagPolicy.customTemplate",
        "16 manifests.kpt", "17 manifests.rawYaml",
        "19 portForward[0].port", "20 wrong",
      ])
    #expect(problems.allSatisfy { $0.remedy != nil })
  }

  @Test("Warns of harmless fields, with line and path")
  func warnings() throws {
    let configuration = try Project.configuration(
      """
      apiVersion: skaffold/v2alpha3
      kind: Config
      metadata: {name: shop}
      .anchors: &anchors {push: false}
      build:
        artifacts: [{image: shop}]
        local: *anchors
      test: []
      deploy:
        statusCheckDeadlineSeconds: 5
        kustomize:
          flags: {delete: [--force]}
      """, ["kustomization.yaml": "resources: []\n"])
    #expect(configuration.name == "shop" && configuration.push == false)
    #expect(
      configuration.warnings.map(\.field) == ["test", "deploy.statusCheckDeadlineSeconds", "deploy.kustomize.flags"])
    #expect(configuration.warnings.allSatisfy { $0.severity == .warning })
  }

  @Test("A field of a later schema is reported")
  func laterField() throws {
    let problems = try Project.problems("apiVersion: skaffold/v4beta1\nkind: Config\ndeploy:\n  kustomize: {}\n")
    #expect(problems.map(\.field) == ["deploy.kustomize"])
    #expect(problems[0].message.contains("'kustomize'"))
  }

  @Test("Several configurations in a file, and an image that two of them build")
  func several() throws {
    let one = "apiVersion: skaffold/v4beta11\nkind: Config\nmetadata: {name: %}\nbuild: {artifacts: [{image: %}]}\n"
    let project = try Project([
      "Dockerfile": "", "skaffold.yaml": one.replacing("%", with: "a") + "---\n" + one.replacing("%", with: "b"),
    ])
    #expect(try project.load().map(\.name) == ["a", "b"])
    try project.write("skaffold.yaml", one.replacing("%", with: "a") + "---\n" + one.replacing("%", with: "a"))
    let error = try #require(throws: InputError.self) { try project.load() }
    #expect(error.diagnostics.map(\.position?.line) == [8, 9])
  }

  @Test("Reads the deploy target and the forwards")
  func deploy() throws {
    let project = try Project([
      "skaffold.yaml": """
      apiVersion: skaffold/v4beta11
      kind: Config
      deploy:
        kubeContext: local
        kubectl: {defaultNamespace: "{{.USER_NAMESPACE}}"}
      portForward:
      - {resourceType: service, resourceName: "{{.WHO}}-api", namespace: shop, port: 8080, localPort: 9000}
      - {resourceType: pod, resourceName: x, port: http, address: 0.0.0.0}
      """
    ])
    let configuration = try project.load(environment: ["USER_NAMESPACE": "dev", "WHO": "me"])[0]
    #expect(configuration.kubeContext == "local" && configuration.defaultNamespace == "dev")
    #expect(
      configuration.portForwards == [
        PortForwardRule(
          resourceType: "service", resourceName: "me-api", namespace: "shop", port: "8080", localPort: 9000),
        PortForwardRule(resourceType: "pod", resourceName: "x", port: "http", address: "0.0.0.0"),
      ])
    #expect(configuration.manifests.rawYAML == [project.path + "/k8s/*.yaml"])
    let error = try #require(throws: InputError.self) { try project.load() }
    #expect(
      error.diagnostics.map(\.message) == ["the variable USER_NAMESPACE is not set", "the variable WHO is not set"])
  }
}
