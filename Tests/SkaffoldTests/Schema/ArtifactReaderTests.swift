import Manifests
import Skaffold
import Testing

struct ArtifactReaderTests {
  private func file(_ artifacts: String) -> String {
    "apiVersion: skaffold/v4beta11\nkind: Config\nbuild:\n  artifacts:\n" + artifacts
  }

  @Test("Everything a Dockerfile's artifact may say")
  func docker() throws {
    let project = try Project([
      "app/docker/Dockerfile": "", "token": "x",
      "skaffold.yaml": file(
        """
          - image: shop:ignored
            context: app
            docker:
              dockerfile: docker/Dockerfile
              target: dev
              buildArgs: {Z: "{{.VERSION}}", A: plain, FROM_ENVIRONMENT: , NUMBER: 1.20}
              network: host
              addHost: ["db:10.0.0.1"]
              cacheFrom: [shop]
              cliFlags: [--quiet]
              pullParent: true
              noCache: true
              squash: true
              ssh: default
              secrets: [{id: token, src: token}, {id: other, env: OTHER}]
            requires: [{image: base, alias: BASE}]
          - {image: base, context: app, docker: {dockerfile: docker/Dockerfile}}
        """),
    ])
    let artifacts = try project.load(environment: ["VERSION": "7"])[0].artifacts
    #expect(
      artifacts[0].image == "shop" && artifacts[0].context == project.path + "/app" && artifacts[0].position?.line == 5)
    #expect(artifacts[0].requires == [.init(image: "base", alias: "BASE")])
    let arguments = [
      BuildArgument(name: "A", value: "plain"), BuildArgument(name: "FROM_ENVIRONMENT", value: nil),
      BuildArgument(name: "NUMBER", value: "1.20"),
      BuildArgument(name: "Z", value: "7"),
    ]
    #expect(
      artifacts[0].build
        == .docker(
          DockerBuild(
            dockerfile: project.path + "/app/docker/Dockerfile", buildArgs: arguments, target: "dev", noCache: true,
            pullParent: true, squash: true,
            cacheFrom: ["shop"], network: "host",
            addHost: ["db:10.0.0.1"],
            secrets: [
              BuildSecret(id: "token", source: project.path + "/token"), BuildSecret(id: "other", environment: "OTHER"),
            ],
            ssh: "default",
            cliFlags: ["--quiet"])))
  }

  @Test("Paths begin where the tool is started; a Dockerfile is in the context, else there")
  func paths() throws {
    let project = try Project([
      "services/user/Dockerfile": "", "services/shared.Dockerfile": "",
      "skaffold.yaml": file(
        """
          - {image: a, context: ../, docker: {dockerfile: ./user/Dockerfile}}
          - {image: b, context: ., docker: {dockerfile: ../shared.Dockerfile}}

        """
      ),
    ])
    let artifacts = try project.load(in: "services/user")[0].artifacts
    #expect(artifacts.map(\.context) == [project.path + "/services", project.path + "/services/user"])
    #expect(
      artifacts.map(\.build) == [
        .docker(DockerBuild(dockerfile: project.path + "/services/user/Dockerfile")),
        .docker(DockerBuild(dockerfile: project.path + "/services/shared.Dockerfile")),
      ])
    let error = try #require(throws: InputError.self) { try project.load() }
    #expect(
      error.diagnostics.contains {
        $0.remedy?.contains("relative to the context") == true || $0.remedy?.contains("started in") == true
      })
  }

  @Test("A custom command and what it depends on")
  func custom() throws {
    let artifacts = try Project.configuration(
      file(
        """
          - image: a
            custom: {buildCommand: ./build.sh}
          - image: b
            custom:
              buildCommand: make
              dependencies: {paths: ["**/*.go"], ignore: [vendor]}
          - image: c
            custom: {buildCommand: make, dependencies: {dockerfile: {path: Dockerfile, buildArgs: {A: b}}}}
        """)
    ).artifacts
    #expect(artifacts[0].build == .custom(CustomBuild(command: "./build.sh")))
    #expect(
      artifacts[1].build
        == .custom(CustomBuild(command: "make", dependencies: .init(paths: ["**/*.go"], ignore: ["vendor"]))))
    guard case .custom(let build) = artifacts[2].build else { return #expect(Bool(false)) }
    #expect(
      build.dependencies.dockerfile == artifacts[2].context + "/Dockerfile"
        && build.dependencies.buildArgs == [BuildArgument(name: "A", value: "b")])
  }

  @Test("Sync by rules, or by what the Dockerfile shows")
  func sync() throws {
    let manual = try Project.configuration(
      file(
        "  - {image: a, sync: {manual: [{src: 'static/**', dest: /app, strip: static/}, {src: '*.html', dest: .}]}}\n"))
    #expect(
      manual.artifacts[0].sync == [
        SyncRule(source: "static/**", destination: "/app", strip: "static/"),
        SyncRule(source: "*.html", destination: "."),
      ])
    #expect(
      try Project.configuration(file("  - {image: a, sync: {infer: ['**/*', '*.js']}}\n")).artifacts[0].inferredSync
        == ["**/*", "*.js"])
    #expect(try Project.configuration(file("  - {image: a, sync: {infer: []}}\n")).artifacts[0].isSynced == false)
    for (sync, field) in [
      ("{auto: true}", "auto"), ("{infer: ['*'], manual: [{src: a, dest: b}]}", "infer"),
      ("{infer: ['*']}, custom: {buildCommand: make}", "infer"),
    ] {
      #expect(
        try Project.problems(file("  - {image: a, sync: \(sync)}\n")).map(\.field) == [
          "build.artifacts[0].sync.\(field)"
        ]
      )
    }
    #expect(try Project.problems(file("  - {image: a, sync: {}}\n")).count == 1)
    let old = try Project.configuration(
      """
      apiVersion: skaffold/v1beta4
      kind: Config
      build: {artifacts: [{image: a, sync: {'src/***/*.py': /app, '*.js': /js}}]}

      """
    )
    #expect(
      old.artifacts[0].sync == [
        SyncRule(source: "src/**/*.py", destination: "/app", strip: "src/"),
        SyncRule(source: "*.js", destination: "/js"),
      ])
  }

  @Test("Two artifacts of one name, a requirement that is none, and one that goes in a circle")
  func names() throws {
    let twice = try Project.problems(file("  - image: a\n  - image: b\n  - image: a:1\n"))
    #expect(twice.map(\.position?.line) == [7] && twice[0].message.contains(":5:5"))
    #expect(
      try Project.problems(file("  - {image: a, requires: [{image: gone}]}\n")).map(\.message) == [
        "a requires gone, which is no artifact"
      ])
    let circle = try Project.problems(
      file(
        """
          - {image: a, requires: [{image: b}]}
          - {image: b, requires: [{image: c}]}
          - {image: c, requires: [{image: b}]}

        """
      ))
    #expect(circle.map(\.message) == ["artifacts require each other: b → c → b"])
  }

  @Test(
    "A default repository, by Skaffold's rules",
    arguments: [
      ("shop", "registry.example/me", "registry.example/me/shop"),
      ("registry.example/a.b/shop", "other.example", "other.example/registry_example_a_b_shop"),
      ("registry.example/me/shop", "registry.example/me", "registry.example/me/shop"),
      ("gcr.io/project-a/shop", "gcr.io/project-a/me", "gcr.io/project-a/me/shop"),
      ("gcr.io/project-a/shop", "gcr.io/project-b", "gcr.io/project-b/gcr.io/project-a/shop"),
      ("shop", "eu.gcr.io/project-b", "eu.gcr.io/project-b/shop"),
    ])
  func defaultRepository(image: String, repository: String, expected: String) throws {
    let project = try Project(["Dockerfile": "", "skaffold.yaml": file("  - image: \(image)\n")])
    let artifact = try project.load(defaultRepository: repository)[0].artifacts[0]
    #expect(artifact.repository == expected && artifact.image == image)
  }
}
