import FoundationEssentials
import Glibc
import KubeObjects
import Manifests
import Testing

@testable import Skaffold

struct HookReaderTests {
  private static let head = "apiVersion: skaffold/v4beta11\nkind: Config\n"

  @Test("Hooks of artifacts, deployments and renderings are read with their directories")
  func reads() throws {
    let configuration = try Project.configuration(
      Self.head + """
        build:
          artifacts:
          - image: a
            hooks:
              before: [{command: [make, gen], dir: sub, os: [darwin, linux]}]
              after: [{command: [./done.sh]}]
        manifests:
          rawYaml: [k8s/*.yaml]
          hooks:
            before: [{host: {command: [one]}}]
            after: [{host: {command: [two], withChange: true}}]
        deploy:
          kubectl:
            hooks:
              before: [{host: {command: [three], os: [windows]}}]
              after: [{host: {command: [four]}}]
          helm:
            hooks:
              after: [{host: {command: [five]}}]

        """)
    let hooks = configuration.artifacts[0].hooks
    #expect(hooks.before.map(\.command) == [["make", "gen"]] && hooks.before[0].directory.hasSuffix("/sub"))
    #expect(hooks.before[0].isForThisSystem && hooks.after.map(\.text) == ["./done.sh"])
    #expect(
      hooks.after[0].program([:])?.hasSuffix("/done.sh") == true && hooks.after[0].program([:])?.hasPrefix("/") == true)
    #expect(configuration.manifests.hooks.before.map(\.text) == ["one"])
    #expect(configuration.manifests.hooks.after.map(\.changesObjects) == [true])
    let deploy = configuration.deployHooks
    guard case .host(let three) = deploy.before.first, case .host(let four) = deploy.after.first else {
      Issue.record("no hooks of the deployment")
      return
    }
    #expect(!three.isForThisSystem && four.text == "four" && deploy.after.count == 2)
  }

  @Test("Hooks in containers: those that a deployment names, and those of the artifact")
  func containers() throws {
    let configuration = try Project.configuration(
      Self.head + """
        build:
          artifacts:
          - image: a
            sync:
              infer: ['*.js']
              hooks:
                before: [{host: {command: [check]}}]
                after: [{container: {command: [kill, -HUP, "1"]}}]
        deploy:
          kubectl:
            hooks:
              after: [{container: {podName: "web-*", containerName: app, command: [migrate]}}]

        """)
    guard case .host(let check)? = configuration.artifacts[0].syncHooks.before.first,
      case .container(let reload)? = configuration.artifacts[0].syncHooks.after.first,
      case .container(let migrate)? = configuration.deployHooks.after.first
    else {
      Issue.record("the hooks are not read")
      return
    }
    #expect(check.text == "check" && reload.text == "kill -HUP 1" && reload.matches(pod: "any", container: "x"))
    #expect(migrate.matches(pod: "web-1", container: "app") && migrate.position?.line == 14)
    #expect(!migrate.matches(pod: "web-1", container: "side") && !migrate.matches(pod: "db-1", container: "app"))
  }

  @Test("A hook without a command, a Pod's name or a place is an error at its line")
  func faults() throws {
    let problems = try Project.problems(
      Self.head + """
        deploy:
          kubectl:
            hooks:
              before: [{host: {dir: x}}]
              after:
              - container: {podName: x}
              - container: {command: [ls]}
              - {}

        """)
    #expect(problems.map(\.position?.line) == [6, 8, 9, 10])
  }

  // MARK: Rendering

  /// A project whose hooks note what they get, and print another object.
  private func project(_ hooks: String) throws -> Project {
    let project = try Project([
      "k8s/a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", ".git/HEAD": "",
      "skaffold.yaml": Self.head + "manifests:\n  rawYaml: [k8s/a.yaml]\n  hooks:\n\(hooks)\n",
      "change.sh": "#!/bin/sh\ncat > got; echo \"$SKAFFOLD_NAMESPACES $SKAFFOLD_WORK_DIR\" >> got\n"
        + "printf 'apiVersion: v1\\nkind: Pod\\nmetadata: {name: changed}\\n'\n",
    ])
    #expect(chmod(project.path + "/change.sh", 0o755) == 0)
    return project
  }

  private func render(_ project: Project, trusted: Bool) async throws -> Rendering {
    try await Rendering.render(
      try project.load(), patches: ManifestPatches(dnsPolicy: false, namespace: "n"),
      trust: Trust(isEverything: trusted),
      environment: ["PATH": "/usr/bin:/bin"])
  }

  @Test("A rendering runs no hook until a person allows it; then the hooks read the objects, and may replace them")
  func renders() async throws {
    let project = try project(
      "    before: [{host: {command: [touch, begun]}}]\n    after: [{host: {command: [./change.sh], withChange: true}}]"
    )
    let refused = await #expect(throws: InputError.self) { try await render(project, trusted: false) }
    #expect(refused?.diagnostics.map(\.position?.line) == [6, 7] && refused?.description.contains("--trust") == true)
    #expect(!FileManager.default.fileExists(atPath: project.path + "/begun"))
    let rendering = try await render(project, trusted: true)
    #expect(rendering.manifests.map(\.id.description) == ["Pod n/changed"])
    #expect(rendering.demands.map(\.key) == ["touch begun", "./change.sh"].map { "hook \($0) in \(project.path)" })
    #expect(FileManager.default.fileExists(atPath: project.path + "/begun"))
    let got = try String(contentsOfFile: project.path + "/got", encoding: .utf8)
    #expect(got.contains("name: a\n") && got.hasSuffix("n \(project.path)\n"), "\(got)")
  }

  @Test("Without withChange the objects stay; a hook that fails, or prints nothing, is an error at its line")
  func outcomes() async throws {
    let kept = try project("    after: [{host: {command: [./change.sh]}}]")
    #expect(try await render(kept, trusted: true).manifests.map(\.name) == ["a"])
    for command in ["[\"false\"]", "[\"true\"], withChange: true", "[nonexistent-program]"] {
      let failing = try project("    after: [{host: {command: \(command)}}]")
      let error = await #expect(throws: InputError.self) { try await render(failing, trusted: true) }
      #expect(error?.diagnostics.first?.position?.line == 6, "\(String(describing: error))")
    }
  }

  // MARK: Other builders

  @Test(
    "Builders that devtunnel does not have are no matter until something is built",
    arguments: [
      "jib: {}", "ko: {}", "bazel: {target: x}", "buildpacks: {builder: x}", "kaniko: {}", "jib: null",
    ])
  func builders(builder: String) throws {
    let text = Self.head + "build:\n  googleCloudBuild: {}\n  artifacts:\n  - image: a\n    \(builder)\n"
    let problems = try Project.problems(text)
    #expect(problems.map(\.position?.line).contains(4))
    var options = ReadingOptions(workingDirectory: "/nowhere")
    options.checksSources = false
    options.command = "render"
    let read = try ConfigurationSet.read(text, path: "/nowhere/skaffold.yaml", options).configurations
    #expect(read[0].artifacts.map(\.image) == ["a"])
  }

  @Test("A rendering ignores fields that only a build or a deployment needs")
  func rendersOnly() throws {
    let text =
      Self.head + """
        build:
          tagPolicy: {envTemplate: {template: "{{.GONE}}"}}
          artifacts: [{image: a, context: gone, docker: {dockerfile: gone, buildArgs: {X: "{{.GONE}}"}}}]
        deploy: {cloudrun: {}, docker: {images: [a]}}

        """
    var options = ReadingOptions(workingDirectory: "/nowhere")
    options.checksSources = false
    options.command = "render"
    #expect(try ConfigurationSet.read(text, path: "/nowhere/skaffold.yaml", options).configurations.count == 1)
    options.command = "deploy"
    #expect(throws: InputError.self) { try ConfigurationSet.read(text, path: "/nowhere/skaffold.yaml", options) }
  }

  @Test("Build arguments know the image's own name and tag, and a custom tag is made of others")
  func ownTag() async throws {
    let configuration = try Project.configuration(
      Self.head + """
        build:
          tagPolicy:
            customTemplate:
              template: "{{.A}}-{{.B}}-{{.HOME_OF}}"
              components:
              - {name: A, sha256: {}}
              - {name: B, envTemplate: {template: "x{{.IMAGE_NAME}}"}}
          artifacts:
          - image: team/web
            docker: {buildArgs: {T: "{{.IMAGE_REPO}}/{{.IMAGE_NAME}}:{{.IMAGE_TAG}}"}}

        """)
    let artifact = configuration.artifacts[0]
    guard case .docker(let build) = artifact.build else { return #expect(Bool(false)) }
    #expect(build.buildArgs[0].value(tag: "v1") == "team/web:v1")
    let plain = Artifact(image: "web", context: "/", build: artifact.build)
    let reference = try await configuration.tagPolicy.reference(for: plain, environment: ["HOME_OF": "me"]) { _ in "" }
    #expect(reference == "web:latest-xweb-me")
  }
}
