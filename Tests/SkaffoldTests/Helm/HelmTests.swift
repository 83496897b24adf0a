import FoundationEssentials
import Glibc
import KubeObjects
import Manifests
import Testing

@testable import Skaffold

/// Charts, rendered by a program in Helm's place that notes its arguments and prints an object.
struct HelmTests {
  private static let head = "apiVersion: skaffold/v4beta11\nkind: Config\n"
  private static let chart = [
    "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n", "web/values.yaml": "a: 1\n",
  ]

  private func project(_ text: String, _ files: [String: String] = [:], output: String? = nil) throws -> Project {
    let project = try Project(
      ["skaffold.yaml": text, "Dockerfile": "", ".git/HEAD": ""].merging(Self.chart) { $1 }.merging(files) { $1 })
    let object = "---\n# Source: web/templates/pod.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
    try project.write("output", output ?? object)
    try project.write(
      "bin/helm",
      """
      #!/bin/sh
      # In one write: several may run at once.
      printf '%s\\n' "$@" . >> '\(project.path)/ran'
      for word; do case $word in */overrides.yaml) cat "$word" >> '\(project.path)/overrides';; esac; done
      for word; do last=$word; done
      [ "$1" = dependency ] || ls -R "$last" > '\(project.path)/listing' 2>/dev/null
      if [ -e '\(project.path)/failure' ]; then cat '\(project.path)/failure' >&2; exit 1; fi
      cat '\(project.path)/output'

      """)
    #expect(chmod(project.path + "/bin/helm", 0o755) == 0)
    return project
  }

  /// The arguments of each run, without the project's path.
  private func runs(_ project: Project) -> [[String]] {
    let text = (try? String(contentsOfFile: project.path + "/ran", encoding: .utf8)) ?? ""
    return text.replacing(project.path, with: "").split(separator: "\n").split(separator: ".").map {
      $0.map(String.init)
    }
  }

  private func render(
    _ project: Project, trust: Trust = Trust(), images: [String: String]? = [:], namespace: String? = nil,
    cache: HelmCache? = nil
  ) async throws -> Rendering {
    let configurations = try project.load(environment: ["WHO": "me"])
    return try await Rendering.render(
      configurations, patches: ManifestPatches(dnsPolicy: false, pullPolicy: false, namespace: namespace), trust: trust,
      environment: ["PATH": project.path + "/bin:/usr/bin:/bin", "WHO": "me"],
      images: HelmImages(names: configurations.flatMap(\.artifacts).map(\.image), references: images), cache: cache)
  }

  private func failure(_ project: Project, _ trust: Trust = Trust()) async throws -> Diagnostic {
    let error = try await #require(throws: InputError.self) { try await render(project, trust: trust) }
    return try #require(error.diagnostics.first { $0.severity == .error })
  }

  // MARK: Arguments

  @Test("Each field of a release becomes the option that Skaffold gives")
  func arguments() async throws {
    let project = try project(
      Self.head + """
        build: {artifacts: [{image: team/web-app}, {image: db}]}
        manifests:
          helm:
            flags: {template: [--include-crds, --kube-version 1.30], global: ["--debug"]}
            releases:
            - name: "web-{{.WHO}}"
              chartPath: web
              valuesFiles: ["values-{{.WHO}}.yaml"]
              setValues: {b: two words, a: {c: 1, d: [x, true]}}
              setValueTemplates:
                image.repository: "{{.IMAGE_REPO_team_web_app}}"
                image.tag: "{{.IMAGE_TAG}}@{{.IMAGE_DIGEST}}"
                "{{.WHO}}": "{{.IMAGE_FULLY_QUALIFIED_db}} {{.IMAGE_NAME2}} {{.IMAGE_DOMAIN}} {{.IMAGE_REPO_NO_DOMAIN}}"
              setFiles: {file: notes.txt}
              namespace: shop
              version: 1.2.3
              skipTests: true
              overrides: {x: {k: "1"}}
              createNamespace: true
              wait: true

        """, ["values-me.yaml": "", "notes.txt": ""])
    let rendering = try await render(project, images: ["team/web-app": "registry:5000/team/web-app:7", "db": "db:1"])
    let run = try #require(runs(project).first)
    #expect(
      run.filter { !$0.hasSuffix("/overrides.yaml") } == [
        "template", "--include-crds", "--kube-version=1.30",
        "--set", "a.c=1", "--set", "a.d[0]=x", "--set", "a.d[1]=true", "--set", "b=two words",
        "--set", "image.repository=registry:5000/team/web-app", "--set", "image.tag=7",
        "--set", "me=db:1 db registry:5000 team/web-app", "--set-file", "file=/notes.txt",
        "--values", "/values-me.yaml", "--values", "--version", "1.2.3", "--namespace", "shop", "--skip-tests", "--",
        "web-me", "/web",
      ])
    #expect(try String(contentsOfFile: project.path + "/overrides", encoding: .utf8) == "x:\n  k: \"1\"\n")
    // `manifests.helm` is applied as Skaffold does: a namespace only where the chart writes one.
    #expect(rendering.manifests.map(\.namespace) == [nil])
    #expect(rendering.manifests[0].position?.description == project.path + "/web/templates/pod.yaml:1")
  }

  @Test(
    "Images of old schemas are given as Skaffold upgrades them",
    arguments: [
      ("", ["image=team/web:latest"]),
      ("imageStrategy: {helm: {}}", ["image.tag=latest", "image.repository=team/web"]),
      (
        "imageStrategy: {helm: {explicitRegistry: true}}",
        ["image.tag=latest", "image.registry=team", "image.repository=web"]
      ),
    ])
  func artifactOverrides(strategy: String, sets: [String]) async throws {
    let project = try project(
      """
      apiVersion: skaffold/v2beta20
      kind: Config
      build: {artifacts: [{image: team/web}]}
      deploy:
        helm:
          releases:
          - name: web
            chartPath: web
            artifactOverrides: {image: team/web}
            namespace: shop
            \(strategy)

      """)
    let rendering = try await render(project)
    #expect(runs(project)[0].filter { $0.contains("=") } == sets)
    // Helm would have put it there.
    #expect(rendering.manifests.map(\.namespace) == ["shop"])
    #expect(try await render(project, namespace: "mine").manifests.map(\.namespace) == ["mine"])
    #expect(runs(project)[1].suffix(5) == ["--namespace", "mine", "--", "web", "/web"])
  }

  @Test("Images that are not built yet are placeholders, which the deployment fills in wherever they are")
  func placeholders() async throws {
    let project = try project(
      Self.head + """
        build: {artifacts: [{image: a}, {image: b}]}
        deploy: {helm: {releases: [{name: r, chartPath: web, setValueTemplates: {t: "{{.IMAGE_TAG_b}}"}}]}}

        """,
      output: """
        apiVersion: v1
        kind: Pod
        metadata: {name: p, labels: {version: devtunnel-image-1, other: devtunnel-image-12}}
        spec:
          containers: [{name: c, image: "docker.io/b:devtunnel-image-1"}, {name: d, image: "a:devtunnel-image-0@"}]

        """)
    let rendering = try await render(project, images: nil)
    #expect(runs(project)[0].contains("t=devtunnel-image-1"))
    var patches = ManifestPatches(images: ["a": "r:5/a@sha256:12", "b": "b:devtunnel-77"], dnsPolicy: false)
    patches.placeholders = HelmImages(names: ["a", "b"], references: nil).placeholders
    let object = patches.apply(to: rendering.manifests)[0].object
    #expect(object["metadata"]?["labels"] == ["version": "devtunnel-77", "other": "devtunnel-image-12"])
    let images = object["spec"]?["containers"]?.arrayValue?.compactMap { $0["image"]?.stringValue }
    #expect(images == ["b:devtunnel-77", "r:5/a@sha256:12"])
    #expect(patches.unusedImages(in: rendering.manifests).isEmpty)
  }

  @Test("Hooks that an installation does not run are left out where Helm would install, and kept elsewhere")
  func hooks() async throws {
    let output = ["test", "pre-install,post-upgrade", "post-delete", "pre-rollback, test"].enumerated().map {
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p\($0), annotations: {helm.sh/hook: '\($1)'}}\n"
    }.joined(separator: "---\n")
    let deployed = try project(Self.head + "deploy: {helm: {releases: [{name: r, chartPath: web}]}}\n", output: output)
    #expect(try await render(deployed).manifests.map(\.name) == ["p1"])
    let rendered = try project(
      Self.head + "manifests: {helm: {releases: [{name: r, chartPath: web}]}}\n", output: output)
    #expect(try await render(rendered).manifests.count == 4)
  }

  // MARK: Dependencies

  @Test(
    "Charts on this machine that a chart depends on are put into charts/ of a copy; nothing is written to the chart")
  func localDependencies() async throws {
    let project = try project(
      Self.head + "deploy: {helm: {releases: [{name: r, chartPath: web, packaged: {version: 9.9.9}}]}}\n",
      [
        "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies:\n"
          + "- {name: lib, version: 0.1.0, repository: 'file://../lib'}\n"
          + "- {name: far, version: 0.1.0, repository: 'https://host.invalid'}\n",
        "web/charts/far-0.1.0.tgz": "", "web/charts/lib-0.0.9.tgz": "", "web/templates/x.yaml": "",
        "lib/Chart.yaml": "apiVersion: v2\nname: lib\nversion: 0.1.0\n", "lib/templates/new.yaml": "",
      ])
    let before = Set(try FileManager.default.subpathsOfDirectory(atPath: project.path + "/web"))
    _ = try await render(project)
    #expect(runs(project).count == 1 && runs(project)[0].last != "/web")
    let listing = try String(contentsOfFile: project.path + "/listing", encoding: .utf8)
    #expect(listing.contains("far-0.1.0.tgz") && listing.contains("lib\n") && !listing.contains("lib-0.0.9.tgz"))
    #expect(Set(try FileManager.default.subpathsOfDirectory(atPath: project.path + "/web")) == before)
    let watched = try project.load()[0].manifests.watchedFiles().map { $0.replacing(project.path, with: "") }
    #expect(watched.contains("/lib/templates/new.yaml") && watched.contains("/web/templates/x.yaml"))
    #expect(!watched.contains("/web/charts/far-0.1.0.tgz"))
    #expect(
      try project.load()[0].manifests.watchedDirectories() == [project.path + "/lib", project.path + "/web"])
  }

  @Test("A missing dependency is fetched only once a person allows it; the line is the dependency's")
  func remoteDependencies() async throws {
    let dependencies = "dependencies:\n- {name: far, version: 0.1.0, repository: 'https://host.invalid'}\n"
    let project = try project(
      Self.head + "deploy: {helm: {flags: {depBuild: [--skip-refresh]}, releases: [{name: r, chartPath: web}]}}\n",
      ["web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n" + dependencies])
    let refusal = try await failure(project)
    #expect(
      refusal.position?.description == project.path + "/web/Chart.yaml:5:3"
        && refusal.remedy?.contains("--trust") == true)
    #expect(runs(project).isEmpty)
    let rendering = try await render(project, trust: Trust(isEverything: true))
    #expect(runs(project)[0] == ["dependency", "build", "--skip-refresh", "--", "/web"])
    #expect(rendering.demands.map(\.key) == ["helm dependency build --skip-refresh \(project.path)/web"])
    // The same without the option was allowed, and this was not.
    let known = Trust(known: [project.path: ["helm dependency build \(project.path)/web"]])
    #expect(try await failure(project, known).message.contains("lacks far"))
    for (option, words) in [("--keyring=/etc/hosts", "--keyring"), ("--new", "--new"), ("word", "'word'")] {
      try project.write(
        "skaffold.yaml",
        Self.head + "deploy: {helm: {flags: {depBuild: ['\(option)']}, releases: [{name: r, chartPath: web}]}}\n")
      #expect(try await failure(project, known).message.contains(words))
    }
    #expect(runs(project).count == 2)
    try project.write(
      "skaffold.yaml",
      Self.head + "deploy: {helm: {releases: [{name: r, chartPath: web, skipBuildDependencies: true}]}}\n")
    #expect(try await render(project).manifests.count == 1)
  }

  // MARK: Trust

  static let demands: [(release: String, flags: String)] = [
    ("remoteChart: 'oci://host.invalid/x'", ""), ("remoteChart: stable/x", ""),
    ("remoteChart: x, repo: 'https://host.invalid'", ""), ("chartPath: ../elsewhere", ""),
    ("chartPath: linked", ""), ("chartPath: web, valuesFiles: [/etc/hosts]", ""),
    ("chartPath: web, valuesFiles: ['https://host.invalid/v.yaml']", ""),
    ("chartPath: web, setFiles: {a: /etc/hosts}", ""),
    ("chartPath: web, useHelmSecrets: true", ""), ("chartPath: web", "--post-renderer=./evil"),
    ("chartPath: web", "--post-renderer ./evil"), ("chartPath: web", "--validate"), ("chartPath: web", "--enable-dns"),
    ("chartPath: web", "-f /etc/hosts"), ("chartPath: web", "-f/etc/hosts"),
    ("chartPath: web", "--set-file=a=/etc/hosts"),
    ("chartPath: web", "--dependency-update"), ("chartPath: web", "--unknown"), ("chartPath: web", "--dry-run=server"),
    ("chartPath: web", "--registry-config=/etc/hosts"), ("chartPath: web", "--output-dir=/tmp/x"),
    ("chartPath: web", "word"),
  ]

  @Test("A path beyond the repository is refused at its line, and helm has not run", arguments: demands)
  func beyond(row: (release: String, flags: String)) async throws {
    let project = try project("")
    let elsewhere = try Project(["Chart.yaml": "name: x\n"])
    let release = row.release.replacing("../elsewhere", with: elsewhere.path)
    try project.write("linked/Chart.yaml", "name: linked\nversion: 1.0.0\n")
    try FileManager.default.createSymbolicLink(
      atPath: project.path + "/linked/secret", withDestinationPath: "/etc/hosts")
    let flags = row.flags.isEmpty ? "" : "flags: {template: ['\(row.flags)']}, "
    try project.write(
      "skaffold.yaml", Self.head + "manifests: {helm: {\(flags)releases: [\n{name: r, \(release)}]}}\n")
    let refusal = try await failure(project)
    #expect(refusal.position != nil && refusal.remedy != nil, "\(refusal)")
    #expect(runs(project).isEmpty)
  }

  // MARK: Arguments that are more than they say

  static let disguised = [
    "name: '--post-renderer=./evil', chartPath: web", #"name: '{{print "-" "-output-dir=x"}}', chartPath: web"#,
    "name: '-x', chartPath: web", "name: '', chartPath: web", "name: Web, chartPath: web",
    "name: 'a b', chartPath: web", "name: \(String(repeating: "a", count: 54)), chartPath: web",
    "name: r, remoteChart: '--post-renderer=./evil'", #"name: r, remoteChart: "-\u0301x""#,
    "name: r, remote: true, chartPath: '--post-renderer=./evil'", "name: r, remoteChart: x, repo: '--output-dir=x'",
    "name: r, chartPath: web, version: '--post-renderer=./evil'",
    "name: r, chartPath: web, namespace: '--output-dir=x'",
    "name: r, chartPath: web, setFiles: {'a=/etc/hosts,b': notes.txt}",
    "name: r, chartPath: web, setFiles: {a: 'x,b=/etc/hosts'}",
    "name: r, chartPath: web, setFiles: {'a\\': 'd=/etc/hosts'}", "name: r, chartPath: web, setFiles: {a: gone.txt}",
    "name: r, chartPath: web, setFiles: {a: web}", "name: r, chartPath: web, setFiles: {a: fifo}",
    "name: r, chartPath: web, setFiles: {a: 'https://host.invalid/x'}",
    "name: r, chartPath: web, valuesFiles: ['notes.txt,/etc/hosts']",
    "name: r, chartPath: web, valuesFiles: ['{{.WHO}},/etc/hosts']",
    #"name: r, chartPath: web, valuesFiles: ["\"notes.txt\""]"#, #"name: r, chartPath: web, valuesFiles: ["a\nb"]"#,
    "name: r, chartPath: web, valuesFiles: ['a\\b']", "name: r, chartPath: web, valuesFiles: [fifo]",
    "name: r, chartPath: web, valuesFiles: ['https://host.invalid/v.yaml,/etc/hosts']",
  ]

  @Test(
    "A text that helm would read as an option, or as several files, is refused whoever allows it", arguments: disguised)
  func disguises(release: String) async throws {
    let project = try project(
      Self.head + "manifests: {helm: {releases: [\n{\(release)}]}}\n",
      ["notes.txt": "", "x,b=/etc/hosts": "", "d=/etc/hosts": ""])
    #expect(mkfifo(project.path + "/fifo", 0o600) == 0)
    let refusal = try await failure(project, Trust(isEverything: true))
    #expect(refusal.position?.file == project.path + "/skaffold.yaml" && refusal.position?.line == 4, "\(refusal)")
    #expect(refusal.remedy != nil && runs(project).isEmpty)
  }

  @Test(
    "A dependency's name is one name: no link is made elsewhere",
    arguments: ["../../../evil", "a/b", "..", ".", "''", "/tmp/evil", #""a/\u0301b""#])
  func dependencyNames(name: String) async throws {
    let project = try project(
      Self.head + "deploy: {helm: {releases: [{name: r, chartPath: web}]}}\n",
      [
        "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies:\n"
          + "- {name: \(name), version: 0.1.0, repository: 'file://../lib'}\n",
        "lib/Chart.yaml": "apiVersion: v2\nname: lib\nversion: 0.1.0\n",
      ])
    let refusal = try await failure(project, Trust(isEverything: true))
    #expect(refusal.position?.description.hasPrefix(project.path + "/web/Chart.yaml:5:") == true, "\(refusal)")
    #expect(runs(project).isEmpty)
  }

  @Test("Aliases share a chart, and two charts of one name are an error")
  func twins() async throws {
    func chart(_ second: String) -> String {
      "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies:\n"
        + "- {name: lib, version: 0.1.0, repository: 'file://../lib'}\n"
        + "- {name: lib, alias: b, version: 0.1.0, repository: 'file://../\(second)'}\n"
    }
    let project = try project(
      Self.head + "deploy: {helm: {releases: [{name: r, chartPath: web}]}}\n",
      [
        "web/Chart.yaml": chart("lib"), "lib/Chart.yaml": "name: lib\nversion: 0.1.0\n",
        "other/Chart.yaml": "name: lib\nversion: 0.1.0\n",
      ])
    #expect(try await render(project).manifests.count == 1)
    try project.write("web/Chart.yaml", chart("other"))
    let refusal = try await failure(project)
    #expect(refusal.message.hasPrefix("two charts are called lib") && refusal.position?.line == 6)
    #expect(runs(project).count == 1)
  }

  @Test("A chart of very many directories is refused: a link could be anywhere in it", .timeLimit(.minutes(1)))
  func manyDirectories() async throws {
    let project = try project(Self.head + "deploy: {helm: {releases: [\n{name: r, chartPath: web}]}}\n")
    for number in 0..<HelmChart.mostDirectories { #expect(mkdir("\(project.path)/web/d\(number)", 0o700) == 0) }
    try FileManager.default.createSymbolicLink(
      atPath: project.path + "/web/d0/secret", withDestinationPath: "/etc/hosts")
    let refusal = try await failure(project)
    #expect(refusal.message.contains("more than 10000 directories") && refusal.position?.line == 4, "\(refusal)")
    #expect(runs(project).isEmpty)
    #expect(HelmChart.tree(project.path + "/web/d0").isComplete)
    #expect(!HelmChart.tree(project.path + "/web/d0", mostFiles: 0).isComplete)
  }

  // MARK: Failures

  @Test("Of a long failure the beginning and the end are searched", .timeLimit(.minutes(1)))
  func longFailures() {
    let place = "Error: template: web/templates/x.yaml:5:11: no"
    for filler in ["web/", "a/", "a.", "web", "a/web/b", " web/a", "\n"] {
      let long = String(repeating: filler, count: (1 << 20) / filler.utf8.count)
      for words in [place + " " + long, long + " " + place] {
        #expect(
          HelmFailure.place(words, chart: ("web", "/c"), files: [])?.description == "/c/templates/x.yaml:5:12",
          "\(filler)")
      }
    }
  }

  @Test("Without helm the error says where it was searched, and how to get it")
  func missing() async throws {
    let project = try project(Self.head + "deploy: {helm: {releases: [{name: r, chartPath: web}]}}\n")
    try FileManager.default.removeItem(atPath: project.path + "/bin/helm")
    let diagnostic = try await failure(project)
    #expect(diagnostic.message.contains("helm is not in PATH (\(project.path)/bin:/usr/bin:/bin)"))
    #expect(diagnostic.remedy?.contains("install Helm") == true && diagnostic.position?.line == 3)
  }

  /// The words are those of Helm 3 and 4.
  static let failures: [(words: String, place: String)] = [
    (
      "Error: template: web/templates/x.yaml:5:11: executing \"web/templates/x.yaml\" at <.b>: nil",
      "templates/x.yaml:5:12"
    ),
    (
      "Error: web/templates/x.yaml:1:13\n  executing \"web/templates/x.yaml\" at <.Values.b.c.d>:\n",
      "templates/x.yaml:1:14"
    ),
    ("Error: web/charts/sub/templates/s.yaml:2:13\n  executing \"x\" at <.k>", "charts/sub/templates/s.yaml:2:14"),
    (
      "Error: parse error at (web/templates/x.yaml:3): unclosed action started at web/templates/x.yaml:2",
      "templates/x.yaml:2"
    ),
    ("Error: execution error at (web/templates/x.yaml:7:6): need it", "templates/x.yaml:7:7"),
    (
      "Error: YAML parse error on web/templates/x.yaml: error converting YAML to JSON: yaml: line 4: did not find",
      "templates/x.yaml:4"
    ),
    ("Error: cannot load values.yaml: error converting YAML to JSON: yaml: line 2: mapping values", "values.yaml:2"),
  ]

  @Test("A chart's fault is reported at its file and line, in Helm's words", arguments: failures)
  func failurePlaces(row: (words: String, place: String)) async throws {
    let project = try project(Self.head + "deploy: {helm: {releases: [{name: r, chartPath: web}]}}\n")
    try project.write("failure", row.words + "\n\nUse --debug flag to render out invalid YAML\n")
    let diagnostic = try await failure(project)
    #expect(diagnostic.position?.description == project.path + "/web/" + row.place, "\(diagnostic)")
    #expect(
      diagnostic.message.hasPrefix("the release r cannot be rendered: ") && !diagnostic.message.contains("--debug"))
  }

  @Test("A fault without a place is reported at the release, one of a values file there")
  func otherFailures() async throws {
    let project = try project(
      Self.head + "deploy: {helm: {releases: [\n{name: r, chartPath: web, valuesFiles: [v.yaml]}]}}\n", ["v.yaml": ""])
    try project.write("failure", "Error: something else\n")
    #expect(try await failure(project).position?.line == 4)
    try project.write("failure", "Error: failed to parse \(project.path)/v.yaml: yaml: line 3: no\n")
    #expect(try await failure(project).position?.description == project.path + "/v.yaml:3")
    try FileManager.default.removeItem(atPath: project.path + "/v.yaml")
    #expect(try await failure(project).message.hasSuffix("/v.yaml does not exist"))
  }

  @Test("A release without a chart, with two, twice, or in a circle is an error")
  func faults() throws {
    func problems(_ releases: String) throws -> [String] {
      try Project.problems(Self.head + "deploy: {helm: {releases: [\(releases)]}}\n", Self.chart).map(\.message)
    }
    #expect(try problems("{name: a}") == ["the release has no chart"])
    #expect(try problems("{name: a, chartPath: web, remoteChart: x}") == ["a release has one chart"])
    #expect(try problems("{chartPath: web}") == ["name is missing"])
    #expect(
      try problems("{name: a, chartPath: web}, {name: a, chartPath: web}").first?.hasPrefix("another release") == true)
    #expect(try problems("{name: a, chartPath: web, dependsOn: [b]}") == ["no release is called b"])
    #expect(
      try problems("{name: a, chartPath: web, dependsOn: [b]}, {name: b, chartPath: web, dependsOn: [a]}")
        == ["releases depend on each other: a → b → a"])
    #expect(try problems("{name: a, chartPath: web, wrong: 1}").count == 1)
  }

  // MARK: Again

  @Test("A release whose files and values are as before is not rendered again")
  func cache() async throws {
    let project = try project(
      Self.head + "deploy: {helm: {releases: [{name: r, chartPath: web}, {name: s, chartPath: other}]}}\n",
      ["other/Chart.yaml": "name: other\nversion: 1.0.0\n"])
    let cache = HelmCache()
    #expect(try await render(project, cache: cache).manifests.count == 2)
    #expect(try await render(project, cache: cache).manifests.count == 2 && runs(project).count == 2)
    try project.write("other/templates/new.yaml", "")
    #expect(try await render(project, cache: cache).manifests.count == 2)
    #expect(runs(project).map { $0[2] }.sorted() == ["r", "s", "s"])
  }

  @Test("The real helm renders a chart, its dependencies and its images", .enabled(if: Here.helm != nil))
  func real() async throws {
    let project = try project(
      Self.head + """
        build: {artifacts: [{image: web}]}
        deploy:
          helm:
            releases:
            - name: r
              chartPath: web
              setValueTemplates: {image: "{{.IMAGE_FULLY_QUALIFIED}}"}
              overrides: {x: {y: z}}

        """,
      [
        "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies:\n"
          + "- {name: lib, version: 0.1.0, repository: 'file://../lib'}\n",
        "web/templates/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Release.Name }}-{{ .Values.x.y }}}\n"
          + "spec: {containers: [{name: c, image: {{ .Values.image }}}]}\n",
        "lib/Chart.yaml": "apiVersion: v2\nname: lib\nversion: 0.1.0\n",
        "lib/templates/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Chart.Name }}}\n",
      ])
    let configurations = try project.load()
    let rendering = try await Rendering.render(
      configurations, patches: ManifestPatches(images: ["web": "web:5"], dnsPolicy: false),
      environment: Here.environment)
    #expect(Set(rendering.manifests.map(\.name)) == ["r-z", "lib"])
    #expect(rendering.yaml.contains("image: web:5"))
    #expect(rendering.warnings.isEmpty, "\(rendering.warnings)")
    try project.write("web/templates/bad.yaml", "a: 1\nb: {{ .Values.q.r.s }}\n")
    let error = await #expect(throws: InputError.self) {
      try await Rendering.render(configurations, patches: nil, environment: Here.environment)
    }
    #expect(
      error?.diagnostics.first?.position?.description.hasPrefix(project.path + "/web/templates/bad.yaml:2") == true)
  }
}
