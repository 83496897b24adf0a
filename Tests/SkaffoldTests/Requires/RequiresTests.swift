import FoundationEssentials
import Glibc
import Inputs
import Manifests
import Testing

@testable import Skaffold

/// Several configurations, in one file or in several.
struct RequiresTests {
  /// A configuration with one image, and a profile that renames its manifests.
  private static func configuration(_ name: String, _ more: String = "") -> String {
    """
    apiVersion: skaffold/v4beta11
    kind: Config
    metadata: {name: \(name)}
    build: {artifacts: [{image: \(name)}]}
    manifests: {rawYaml: [k8s/*.yaml]}
    profiles:
    - name: staging
      manifests: {rawYaml: [staging/*.yaml]}
    - name: own
      activation: [{env: OWN=yes}]
      manifests: {rawYaml: [own/*.yaml]}
    \(more)

    """
  }

  private func load(_ files: [String: String], _ change: (inout ReadingOptions) -> Void = { _ in }) throws(InputError)
    -> (set: ConfigurationSet, path: String)
  {
    let project: Project
    do {
      project = try Project(
        files.merging(["Dockerfile": "", "db/Dockerfile": "", "web/Dockerfile": ""]) { one, _ in one })
    } catch { throw InputError("\(error)") }
    return (try load(project, change), project.path)
  }

  private func load(_ project: Project, _ change: (inout ReadingOptions) -> Void = { _ in }) throws(InputError)
    -> ConfigurationSet
  {
    var options = ReadingOptions(workingDirectory: project.path)
    change(&options)
    let tree = ConfigurationTree(options, checkouts: [:])
    tree.read(project.path + "/skaffold.yaml")
    return try tree.result()
  }

  private func problems(_ files: [String: String], _ change: (inout ReadingOptions) -> Void = { _ in }) -> [String] {
    do throws(InputError) {
      _ = try load(files, change)
      return []
    } catch {
      return error.diagnostics.filter { $0.severity == .error }.map { diagnostic in
        let place = diagnostic.position.map { Paths.name(of: $0.file) + ":\($0.line): " } ?? ""
        return place + diagnostic.message
      }
    }
  }

  // MARK: Order and paths

  @Test("Required configurations come first; paths begin at each file's own directory")
  func order() throws {
    let (set, path) = try load([
      "skaffold.yaml": Self.configuration("shop", "requires: [{path: web}, {path: db/skaffold.yaml}]"),
      "web/skaffold.yaml": Self.configuration("web", "requires: [{path: ../db}]"),
      "db/skaffold.yaml": Self.configuration("db"),
    ])
    #expect(set.configurations.map(\.name) == ["db", "web", "shop"])
    #expect(set.configurations.map(\.artifacts[0].context) == ["/db", "/web", ""].map { path + $0 })
    #expect(
      set.configurations.map(\.manifests.rawYAML) == ["/db", "/web", ""].map { ["\(path)\($0)/k8s/*.yaml"] })
    #expect(set.configurations.flatMap(\.files) == ["/db/", "/web/", "/"].map { path + $0 + "skaffold.yaml" })
  }

  @Test("Configurations of one file require each other by name, wherever they are in it")
  func oneFile() throws {
    let (set, path) = try load([
      "skaffold.yaml": Self.configuration("web", "requires: [{configs: [db]}]") + "---\n" + Self.configuration("db"),
      "k8s/a.yaml": "",
    ])
    #expect(set.configurations.map(\.name) == ["db", "web"])
    #expect(set.configurations.map(\.artifacts[0].context) == [path, path])
  }

  @Test("Of a required file the named configurations count, and what those require")
  func selection() throws {
    let files = [
      "skaffold.yaml": Self.configuration("shop", "requires: [{path: db, configs: [two]}]"),
      "db/skaffold.yaml": Self.configuration("one") + "---\n"
        + Self.configuration("two", "requires: [{configs: [three]}]") + "---\n" + Self.configuration("three"),
    ]
    #expect(try load(files).set.configurations.map(\.name) == ["three", "two", "shop"])
    var other = files
    other["skaffold.yaml"] = Self.configuration("shop", "requires: [{path: db, configs: [four]}]")
    let warnings = try load(other).set.configurations[0].warnings
    #expect(warnings.map(\.message).contains { $0.hasPrefix("no configuration is called 'four' in ") })
    #expect(warnings.first?.position?.line == 12)
  }

  @Test("-m takes configurations with all that they require")
  func modules() throws {
    let files = [
      "skaffold.yaml": Self.configuration("shop", "requires: [{path: web}]"),
      "web/skaffold.yaml": Self.configuration("web", "requires: [{path: ../db}]"),
      "db/skaffold.yaml": Self.configuration("db"),
    ]
    #expect(try load(files) { $0.modules = ["web"] }.set.configurations.map(\.name) == ["db", "web"])
    #expect(try load(files) { $0.modules = ["db"] }.set.configurations.map(\.name) == ["db"])
    #expect(
      problems(files) { $0.modules = ["dbb"] }.first?.contains("no configuration is called 'dbb' in ") == true)
  }

  @Test("Without manifests a single configuration has those of k8s, one of several has none")
  func defaults() throws {
    let bare = "apiVersion: skaffold/v4beta11\nkind: Config\n"
    let (alone, path) = try load(["skaffold.yaml": bare])
    #expect(alone.configurations[0].manifests.rawYAML == [path + "/k8s/*.yaml"])
    let several = try load(["skaffold.yaml": bare + "---\n" + bare]).set
    #expect(several.configurations.allSatisfy { $0.manifests.rawYAML.isEmpty })
  }

  // MARK: Profiles

  static let profiles: [(requires: String, requested: [String], own: Bool, db: [String], shop: [String])] = [
    ("{path: db}", [], false, [], []),
    ("{path: db}", ["staging"], false, ["staging"], ["staging"]),
    // A profile that activates itself does so in each file.
    ("{path: db}", [], true, ["own"], ["own"]),
    ("{path: db}", ["-own"], true, [], []),
    ("{path: db, activeProfiles: [{name: staging}]}", [], false, ["staging"], []),
    ("{path: db, activeProfiles: [{name: staging, activatedBy: [own]}]}", [], false, [], []),
    ("{path: db, activeProfiles: [{name: staging, activatedBy: [x, own]}]}", [], true, ["own", "staging"], ["own"]),
    ("{path: db, activeProfiles: [{name: staging}]}", ["-staging"], false, [], []),
    ("{path: db, activeProfiles: [{name: unknown}]}", [], false, [], []),
  ]

  @Test("Profiles of the command line, of a requirement, and those that activate themselves", arguments: profiles)
  func eachWay(row: (requires: String, requested: [String], own: Bool, db: [String], shop: [String])) throws {
    let set = try load([
      "skaffold.yaml": Self.configuration("shop", "requires: [\(row.requires)]"),
      "db/skaffold.yaml": Self.configuration("db"),
    ]) { options in
      options.profiles = row.requested
      options.environment = row.own ? ["OWN": "yes"] : [:]
    }.set
    #expect(set.configurations.map(\.profiles) == [row.db, row.shop])
  }

  @Test("Profiles can be kept to the first file, and from activating themselves")
  func withoutPropagation() throws {
    let files = [
      "skaffold.yaml": Self.configuration("shop", "requires: [{path: db}]"),
      "db/skaffold.yaml": Self.configuration("db"),
    ]
    let set = try load(files) { options in
      options.profiles = ["staging"]
      options.environment = ["OWN": "yes"]
      options.propagatesProfiles = false
      options.activatesProfiles = false
    }.set
    #expect(set.configurations.map(\.profiles) == [[], ["staging"]])
  }

  @Test("A profile that only a required file has is known; one that none has is an error")
  func knownProfiles() throws {
    var files = [
      "skaffold.yaml": "apiVersion: skaffold/v4beta11\nkind: Config\nrequires: [{path: db}]\n",
      "db/skaffold.yaml": Self.configuration("db"),
    ]
    #expect(try load(files) { $0.profiles = ["staging"] }.set.configurations.map(\.profiles) == [["staging"], []])
    files["db/skaffold.yaml"] = nil
    files["skaffold.yaml"] = "apiVersion: skaffold/v4beta11\nkind: Config\n"
    #expect(problems(files) { $0.profiles = ["staging"] }.first?.hasPrefix("no profile is called 'staging'") == true)
  }

  // MARK: Faults

  @Test("A circle, a missing file, two names and two sets of profiles are errors at their lines")
  func faults() {
    #expect(
      problems([
        "skaffold.yaml": Self.configuration("shop", "requires: [{path: db}]"),
        "db/skaffold.yaml": Self.configuration("db", "\nrequires: [{path: ../}]"),
      ]) == ["skaffold.yaml:13: configurations require each other: shop → db → shop"])
    #expect(
      problems(["skaffold.yaml": Self.configuration("shop", "requires: [{path: gone}]")]).first?.hasSuffix(
        "/gone does not exist") == true)
    #expect(
      problems([
        "skaffold.yaml": Self.configuration("shop", "requires: [{path: db}]"),
        "db/skaffold.yaml": Self.configuration("shop").replacing("image: shop", with: "image: x"),
      ]).first?.contains("skaffold.yaml is called 'shop' too") == true)
    #expect(
      problems(["skaffold.yaml": Self.configuration("a") + "---\n" + Self.configuration("a")]).first
        == "skaffold.yaml:16: another configuration in this file is called 'a'")
    #expect(
      problems([
        "skaffold.yaml": Self.configuration("shop", "requires: [{path: web}, {path: db}]"),
        "web/skaffold.yaml": Self.configuration(
          "web", "requires: [{path: ../db, activeProfiles: [{name: staging}]}]"),
        "db/skaffold.yaml": Self.configuration("db"),
      ]).first?.hasSuffix("is required with different profiles: staging, and here none") == true)
    #expect(
      problems(["skaffold.yaml": Self.configuration("shop", "requires:\n- {path: 'https://host.invalid/s.yaml'}")])
        == ["skaffold.yaml:13: devtunnel reads no configurations from URLs"])
    #expect(
      problems(["skaffold.yaml": Self.configuration("shop", "requires:\n- {googleCloudStorage: {source: 'gs://x'}}")])
        == ["skaffold.yaml:13: devtunnel does not support this"])
  }

  @Test("Faults of all files are reported at once, each in its own")
  func allAtOnce() {
    let problems = problems([
      "skaffold.yaml": Self.configuration("shop", "requires: [{path: web}, {path: db}]\nwrong: 1"),
      "web/skaffold.yaml": "apiVersion: skaffold/v4beta11\nkind: [\n",
      "db/skaffold.yaml": Self.configuration("db", "more: 1"),
    ])
    #expect(problems.count == 3, "\(problems)")
  }

  @Test("An artifact may require one of another configuration, and two configurations have no image in common")
  func artifacts() throws {
    let base = "apiVersion: skaffold/v4beta11\nkind: Config\nbuild: {artifacts: [{image: base}]}\n"
    let files = [
      "skaffold.yaml":
        "apiVersion: skaffold/v4beta11\nkind: Config\nrequires: [{path: db}]\n"
        + "build: {artifacts: [{image: shop, requires: [{image: base}]}]}\n", "db/skaffold.yaml": base,
    ]
    #expect(try load(files).set.configurations.flatMap(\.artifacts).map(\.image) == ["base", "shop"])
    var other = files
    other["skaffold.yaml"] = files["skaffold.yaml"]?.replacing("image: shop", with: "image: base")
    #expect(problems(other).contains { $0.contains("another artifact is called base") })
  }

  @Test("Requirements that multiply do not, and a very long chain ends", .timeLimit(.minutes(1)))
  func many() throws {
    let documents = (0..<60).map { index in
      "apiVersion: skaffold/v4beta11\nkind: Config\nmetadata: {name: c\(index)}\n"
        + (index < 59 ? "requires:\n" + String(repeating: "- {configs: [c\(index + 1)]}\n", count: 8) : "")
    }
    let set = try load(["skaffold.yaml": documents.joined(separator: "---\n")]).set
    #expect(set.configurations.count == 60 && set.configurations.first?.name == "c59")
  }

  @Test("Requirements have a depth, a number of files and a size", .timeLimit(.minutes(1)))
  func budgets() throws {
    let row = (0..<80).map { index in
      "apiVersion: skaffold/v4beta11\nkind: Config\nmetadata: {name: c\(index)}\n"
        + (index < 79 ? "requires: [{configs: [c\(index + 1)]}]\n" : "")
    }
    #expect(
      problems(["skaffold.yaml": row.joined(separator: "---\n")]).map { $0.drop { $0 != " " } } == [
        " more than 64 configurations require one another in a row"
      ])
    let empty = "apiVersion: skaffold/v4beta11\nkind: Config\n"
    func required(_ count: Int, _ text: String) -> [String: String] {
      var files = Dictionary(uniqueKeysWithValues: (0..<count).map { ("d/f\($0).yaml", text) })
      files["skaffold.yaml"] =
        empty + "requires:\n" + (0..<count).map { "- {path: d/f\($0).yaml}\n" }.joined()
      return files
    }
    // The first file is the first of the 500.
    #expect(problems(required(499, empty)).isEmpty)
    #expect(problems(required(510, empty)) == ["skaffold.yaml:503: more than 500 files are required"])
    let long = try Project(required(30, empty + "# " + String(repeating: "x", count: 100_000) + "\n"))
    let tree = ConfigurationTree(
      ReadingOptions(workingDirectory: long.path), checkouts: [:], limits: .init(text: 1 << 20))
    tree.read(long.path + "/skaffold.yaml")
    let error = try #require(throws: InputError.self) { try tree.result() }
    // Ten of them are no more.
    #expect(error.diagnostics.map(\.message) == ["the files that are required have more than 1 MiB"])
    #expect(error.diagnostics[0].position?.line == 14)
    #expect(ConfigurationTree.Limits().text == 16 << 20)
  }

  // MARK: Other repositories

  @Test("git asks nothing by any program, and takes no transport that the settings forbid")
  func gitEnvironment() async throws {
    let shop = try shop("{repo: 'ssh://host.invalid/x'}")
    try shop.write("bin/git", "#!/bin/sh\nenv >> '\(shop.path)/ran'\nexit 1\n")
    #expect(chmod(shop.path + "/bin/git", 0o755) == 0)
    let cases: [(own: [String: String], command: String)] = [
      ([:], "ssh -o BatchMode=yes"), (["GIT_SSH_COMMAND": "mine"], "mine"),
    ]
    for (own, command) in cases {
      try shop.write("ran", "")
      var options = ReadingOptions(workingDirectory: shop.path)
      options.trust = Trust(isEverything: true)
      let environment = ["PATH": shop.path + "/bin:/usr/bin:/bin", "GIT_ALLOW_PROTOCOL": "ext"].merging(own) { $1 }
      let repositories = RemoteRepositories(directory: shop.path + "/cache", environment: environment)
      var files: [String] = []
      do throws(InputError) {
        _ = try await ConfigurationSet.load("skaffold.yaml", options, repositories: repositories, files: &files)
        Issue.record("a git that fails has brought a repository")
      } catch {
        #expect(error.description.contains("cannot be fetched"))
      }
      let last = try String(contentsOfFile: shop.path + "/ran", encoding: .utf8).split(separator: "\n").map(String.init)
      for line in ["GIT_SSH_COMMAND=\(command)", "GIT_ASKPASS=true", "GIT_TERMINAL_PROMPT=0", "SSH_ASKPASS=true"] {
        #expect(last.contains(line), "\(line)")
      }
    }
    let text = try String(contentsOfFile: shop.path + "/ran", encoding: .utf8)
    #expect(!text.contains("GIT_ALLOW_PROTOCOL"))
  }

  @Test("Very many repositories are an error before they are fetched", .timeLimit(.minutes(1)))
  func manyRepositories() async throws {
    let shop = try shop("{repo: /x}")
    try shop.write(
      "skaffold.yaml",
      Self.configuration("shop", "requires:\n" + (0..<101).map { "- git: {repo: /x, ref: r\($0)}\n" }.joined()))
    // A clone of each is there.
    for number in 0..<101 {
      let name = RemoteRepositories.name(.init(repository: "/x", ref: "r\(number)"))
      try shop.write("cache/\(name)/.git/HEAD", "")
    }
    #expect(chmod(shop.path + "/cache", 0o700) == 0)
    let error = await #expect(throws: InputError.self) { try await load(shop, sync: .missing) }
    #expect(error?.description.contains("more than 100 repositories are required") == true)
    #expect(error?.diagnostics.first?.position?.line == 113)
  }

  /// A repository with a configuration, a commit on `main`, and a branch `next`.
  private func repository() async throws -> Project {
    let git = try #require(InstalledProgram.find("git", environment: Here.environment))
    let project = try Project(["sub/skaffold.yaml": Self.configuration("lib"), "sub/Dockerfile": ""])
    func run(_ arguments: String...) async throws {
      let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
      let done = try await Program(path: git).run(identity + arguments, in: project.path, environment: Here.environment)
      #expect(done.succeeded, "\(done.errors)")
    }
    try await run("init", "-q")
    try await run("add", ".")
    try await run("commit", "-qm", "one")
    try await run("branch", "next")
    try project.write("sub/skaffold.yaml", Self.configuration("newer"))
    try await run("commit", "-qam", "two")
    return project
  }

  private func shop(_ git: String) throws -> Project {
    try Project([
      "skaffold.yaml": Self.configuration("shop", "requires:\n- git: \(git)"), "Dockerfile": "", ".git/HEAD": "",
    ])
  }

  private func load(
    _ project: Project, trusted: Bool = true, sync: RemoteRepositories.Sync = .always
  ) async throws(InputError) -> ConfigurationSet {
    var options = ReadingOptions(workingDirectory: project.path)
    options.trust = Trust(isEverything: trusted)
    var files: [String] = []
    let repositories = RemoteRepositories(
      directory: project.path + "/cache", sync: sync, environment: Here.environment)
    return try await ConfigurationSet.load("skaffold.yaml", options, repositories: repositories, files: &files)
  }

  @Test("A repository is fetched once allowed, kept, and brought up to date unless the user or the file says no")
  func git() async throws {
    let other = try await repository()
    let shop = try shop("{repo: '\(other.path)', path: sub}")
    let refused = await #expect(throws: InputError.self) { try await load(shop, trusted: false) }
    #expect(refused?.diagnostics.first?.position?.line == 13 && refused?.description.contains("--trust") == true)
    let never = await #expect(throws: InputError.self) { try await load(shop, sync: .never) }
    #expect(never?.description.contains("was not fetched yet") == true)
    let set = try await load(shop)
    #expect(set.configurations.map(\.name) == ["newer", "shop"])
    #expect(set.demands.map(\.key) == ["network \(other.path)"])
    #expect(set.configurations[0].artifacts[0].context.hasPrefix(shop.path + "/cache/"))
    // The clone is a repository of its own.
    #expect(set.configurations[0].manifests.root?.hasPrefix(shop.path + "/cache/") == true)

    try other.write("sub/skaffold.yaml", Self.configuration("newest"))
    let git = try #require(InstalledProgram.find("git", environment: Here.environment))
    _ = try await Program(path: git).run(
      ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "three"], in: other.path,
      environment: Here.environment)
    #expect(try await load(shop, sync: .missing).configurations.map(\.name) == ["newer", "shop"])
    #expect(try await load(shop, sync: .never).configurations.map(\.name) == ["newer", "shop"])
    try shop.write(
      "skaffold.yaml",
      Self.configuration("shop", "requires: [{git: {repo: '\(other.path)', path: sub, sync: false}}]"))
    #expect(try await load(shop).configurations.map(\.name) == ["newer", "shop"])
    try shop.write(
      "skaffold.yaml", Self.configuration("shop", "requires: [{git: {repo: '\(other.path)', path: sub}}]"))
    #expect(try await load(shop).configurations.map(\.name) == ["newest", "shop"])
  }

  @Test("A branch is fetched, and a ref or a repository that does not exist is an error at its line with git's words")
  func refs() async throws {
    let other = try await repository()
    let next = try await load(shop("{repo: '\(other.path)', path: sub, ref: next}"))
    #expect(next.configurations.map(\.name) == ["lib", "shop"])
    for git in ["{repo: '\(other.path)', ref: gone}", "{repo: /nonexistent/repo}"] {
      let project = try shop(git)
      let error = await #expect(throws: InputError.self) { try await load(project) }
      #expect(error?.diagnostics.first?.position?.line == 13, "\(String(describing: error))")
      #expect(error?.description.contains("cannot be fetched: fatal: ") == true)
    }
    let option = try shop("{repo: '--upload-pack=touch /tmp/x', path: sub}")
    #expect(await #expect(throws: InputError.self) { try await load(option) }?.description.contains("no name") == true)
  }

  @Test("The name of a clone shows its repository, and differs by address and ref")
  func cloneNames() {
    let names = [
      ("https://host/team/lib.git", nil), ("https://host/team/lib.git", "v1"), ("https://host/x/lib.git", nil),
    ]
    .map { RemoteRepositories.name(.init(repository: $0.0, ref: $0.1)) }
    #expect(Set(names).count == 3 && names.allSatisfy { $0.hasPrefix("libgit-") && $0.count == 31 })
  }
}
