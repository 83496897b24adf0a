import Foundation
import Testing

/// Holds Package.swift, docs/modules.md and the imports in the sources together.
struct ModulesTests {
  let package: PackageText

  init() throws { package = try PackageText() }

  private var names: Set<String> { Set(package.targets.map(\.name)) }

  @Test("The manifest was read")
  func manifest() throws {
    #expect(package.targets.count > 20)
    #expect(Set(package.targets.map(\.name)).count == package.targets.count)
    let relay = try #require(package.targets.first { $0.name == "Relay" })
    #expect(relay.targets == ["CLinux", "TunnelProtocol"])
    for target in package.targets { #expect(target.targets.isSubset(of: names), "\(target.name)") }
  }

  // MARK: docs/modules.md

  @Test("Every target has its paragraph, in the manifest's order, and no other has one")
  func paragraphs() throws {
    let text = try String(contentsOf: PackageText.root.appending(path: "docs/modules.md"), encoding: .utf8)
    let described = text.matches(of: /(?m)^\*\*([\w-]+)\*\*/).map { String($0.1) }
    #expect(described == package.targets.filter { $0.kind != "testTarget" && !$0.path.hasPrefix("Tests/") }.map(\.name))
  }

  // MARK: Dependencies

  @Test("Every imported module is declared")
  func declared() throws {
    let known = names.union(package.targets.flatMap(\.products))
    for target in package.targets {
      let allowed = target.targets.union(target.products).union([target.name])
      for (module, file) in try target.imports() where known.contains(module) {
        #expect(allowed.contains(module), "\(file) imports \(module), which \(target.name) does not declare")
      }
    }
  }

  @Test("Every declared module is imported")
  func used() throws {
    for target in package.targets
    where FileManager.default.fileExists(atPath: PackageText.root.appending(path: target.path).path) {
      let imported = Set(try target.imports().map(\.module))
      for name in target.targets.union(target.products) {
        #expect(imported.contains(name), "\(target.name) declares \(name) and does not import it")
      }
    }
  }

  @Test("Nothing depends on itself, however far around")
  func noCycles() {
    var finished: Set<String> = []
    var open: [String] = []
    func visit(_ name: String) {
      guard !finished.contains(name), let target = package.targets.first(where: { $0.name == name }) else { return }
      #expect(!open.contains(name), "\((open + [name]).joined(separator: " → "))")
      guard !open.contains(name) else { return }
      open.append(name)
      for next in target.targets.sorted() { visit(next) }
      open.removeLast()
      finished.insert(name)
    }
    for target in package.targets { visit(target.name) }
  }

  // MARK: What must not be imported

  struct Rule: CustomTestStringConvertible, Sendable {
    let modules: Set<String>
    let mustNotImport: Set<String>
    let why: String
    var testDescription: String { "\(modules.sorted().joined(separator: ", ")): \(why)" }
  }

  static let rules = [
    Rule(
      modules: ["TunnelProtocol", "Relay", "HTTPMessages", "Agent"],
      mustNotImport: [
        "Foundation", "FoundationEssentials", "Logging", "KubeAPI", "KubeObjects", "KubeStreams", "CCurl", "CZlib",
      ],
      why: "they are also compiled as Embedded Swift, into an agent that has CLinux and nothing else"),
    Rule(
      modules: ["ShellHelper", "ShellChannel"],
      mustNotImport: ["Foundation", "FoundationEssentials", "Dispatch", "Logging", "Relay", "TunnelProtocol"],
      why:
        "the shell's helper has one thread, since unshare(CLONE_NEWUSER) wants that, and starts in a few milliseconds"),
    Rule(
      modules: ["LabAPI", "LabNode", "LabStore"],
      mustNotImport: [
        "KubeAPI", "KubeStreams", "Relay", "TunnelProtocol", "Agent", "Agents", "Workloads", "Intercept", "Forward",
        "Operations", "CCurl",
      ],
      why: "the lab stands in for a cluster: with the code it tests, it would make the same mistakes"),
    Rule(
      modules: ["Commands", "Daemon", "Operations", "DevLoop"],
      mustNotImport: ["LabAPI", "LabNode", "LabStore", "LabCommands", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOSSL"],
      why: "the lab is a program of its own: users install no test cluster and no TLS server"),
    Rule(
      modules: ["KubeObjects"], mustNotImport: ["KubeAPI", "CLinux", "Logging"],
      why: "objects are values, the same for the client and for the lab"),
    Rule(
      modules: ["Manifests", "Skaffold"], mustNotImport: ["KubeAPI", "KubeStreams", "CCurl", "Relay", "ControlAPI"],
      why: "they read files and make objects; what becomes of those in a cluster stands above them"),
    Rule(
      modules: ["ControlAPI"],
      mustNotImport: ["KubeAPI", "Agents", "Workloads", "Intercept", "Forward", "Operations", "Relay"],
      why: "a command knows the daemon's words, not its engine"),
    Rule(
      modules: ["Workloads"], mustNotImport: ["Agents", "KubeStreams", "Relay", "TunnelProtocol", "CLinux"],
      why: "it reads a cluster, and neither changes it nor opens a tunnel"),
  ]

  @Test("Forbidden imports", arguments: rules)
  func forbidden(rule: Rule) throws {
    #expect(rule.modules.isSubset(of: names))
    for target in package.targets where rule.modules.contains(target.name) {
      for (module, file) in try target.imports() {
        #expect(!rule.mustNotImport.contains(module), "\(file) imports \(module); \(rule.why)")
      }
    }
  }

  /// A module may bring in another one that its own files do not name.
  @Test("The installed programs contain no lab, however far around", arguments: ["devtunnel", "devtunnel-shell"])
  func installed(program: String) throws {
    var contained: Set<String> = []
    var open = [program]
    while let name = open.popLast() {
      guard contained.insert(name).inserted else { continue }
      let target = try #require(package.targets.first { $0.name == name })
      for product in target.products { #expect(!product.hasPrefix("NIO"), "\(name) depends on \(product)") }
      open += target.targets
    }
    #expect(contained.count > 4)
    #expect(contained.filter { $0.hasPrefix("Lab") }.isEmpty)
  }

  /// All of Foundation brings the tables of ICU: 42 MB more in the program.
  @Test("Programs import the essentials of Foundation alone")
  func essentials() throws {
    for target in package.targets where !target.path.hasPrefix("Tests/") {
      for (file, text) in try target.sources() {
        // The other form is below #if canImport(FoundationEssentials), and so it is indented.
        #expect(!text.hasPrefix("import Foundation\n") && !text.contains("\nimport Foundation\n"), "\(file)")
      }
    }
  }

  /// A C library has one owner: libcurl is reached through KubeAPI (KubeStreams by `UpgradedConnection`), libssh2
  /// through Bastion, zlib is the lab's.
  @Test(
    "C libraries have one owner",
    arguments: [
      ("CCurl", ["KubeAPI"]), ("CInotifyTools", ["Watching"]), ("CLibYAML", ["Inputs"]), ("CSSH2", ["Bastion"]),
      ("CZlib", ["LabAPI", "KubeStreamsTests"]),
      ("CControl", ["Commands", "CommandsTests", "ControlAPI", "Daemon", "DaemonTests"]),
      ("CShell", ["ShellHelper", "ShellChannel", "ShellHelperTests", "ShellChannelTests"]),
    ] as [(String, Set<String>)])
  func owners(library: String, owners: Set<String>) throws {
    for target in package.targets where !owners.contains(target.name) {
      for (module, file) in try target.imports() { #expect(module != library, "\(file)") }
    }
  }

  /// Relay has a thread too, but is compiled without Threads into the agent.
  @Test("Threads are started in one place")
  func threads() throws {
    for target in package.targets where target.kind != "testTarget" && !["Threads", "Relay"].contains(target.name) {
      for (file, text) in try target.sources() { #expect(!text.contains("pthread_create"), "\(file)") }
    }
  }

  /// A listener that another thread closes may be another server's by the time that its thread accepts again.
  @Test("Test servers accept connections in one place")
  func acceptingTests() throws {
    for target in package.targets where target.kind == "testTarget" {
      for (file, text) in try target.sources() where text.utf8.firstRange(of: "accept(".utf8) != nil {
        #expect(text.firstMatch(of: /\baccept\(\w+, nil, nil\)/) == nil, "\(file): use AcceptingThread")
      }
    }
  }

  /// `exit` runs the handlers of libraries while threads still use them. The shell's helper has one thread, and the
  /// benchmark no such library.
  @Test("A process ends in one place, and at once")
  func ends() throws {
    for target in package.targets
    where !target.path.hasPrefix("Tests/")
      && !["ShellHelper", "devtunnel-shell", "DevtunnelBench"].contains(target.name)
    {
      for (file, text) in try target.sources() where text.utf8.firstRange(of: "exit(".utf8) != nil {
        if text.contains("func exit(") { continue }
        #expect(
          text.firstMatch(of: /(^|[^\w.])((Glibc|Musl|Foundation)\.)?(exit|quick_exit)\(/) == nil,
          "\(file): use Exit.now")
      }
    }
  }

  @Test(
    "Executables start something and do nothing else: one file, a few lines",
    arguments: ["devtunnel", "devtunnel-lab", "devtunnel-shell"])
  func thinExecutable(name: String) throws {
    let folder = PackageText.root.appending(path: "Sources/" + name)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(files == ["main.swift"])
    #expect(
      try String(contentsOf: folder.appending(path: "main.swift"), encoding: .utf8).split(separator: "\n").count < 15)
  }

  @Test("No file is left over from the package's first day")
  func placeholders() throws {
    for target in package.targets {
      let all = FileManager.default.enumerator(atPath: PackageText.root.appending(path: target.path).path)
      for case let name as String in all ?? .init() {
        #expect(!name.hasSuffix("placeholder.swift"), "\(target.path)/\(name)")
      }
    }
  }

  // MARK: What nothing calls

  /// Called from elsewhere.
  private static let called: [String: String] = [
    "agentMain": "the agent's C main calls it", "validate": "ArgumentParser calls it",
    "appendInterpolation": "an interpolation calls it",
    "callAsFunction": "a value is called by its own name",
    "channelRead": "SwiftNIO calls it", "channelReadComplete": "SwiftNIO calls it",
    "channelWritabilityChanged": "SwiftNIO calls it",
    "channelInactive": "SwiftNIO calls it", "channelActive": "SwiftNIO calls it", "errorCaught": "SwiftNIO calls it",
    "handlerAdded": "SwiftNIO calls it",
    "handlerRemoved": "SwiftNIO calls it", "userInboundEventTriggered": "SwiftNIO calls it",
    "buildUpgradeResponse": "SwiftNIO calls it",
    "decode": "SwiftNIO calls it", "decodeLast": "SwiftNIO calls it",
    "namespacePath": "tests enter a Pod's network by it",
    "forgetEnded": "the simulation calls it, and the engine will",
    "holds": "the simulation calls it, and the engine will",
    "hasClaims": "the simulation calls it, and the engine will",
  ]

  /// A function that nothing calls does not run, whatever its documentation promises.
  @Test("Every function is called in the sources, tests apart")
  func uncalled() throws {
    var functions = CalledFunctions()
    for target in package.targets where !target.path.hasPrefix("Tests/") {
      for (file, text) in try target.sources() { functions.read(text, file: file) }
    }
    #expect(functions.declarations.count > 1000)
    for declaration in functions.uncalled where Self.called[declaration.name] == nil {
      Issue.record(
        "\(declaration.file): nothing calls \(declaration.name)(\(declaration.label)): call it, or remove it")
    }
  }

  @Test("The check finds a function that nothing calls, and no other")
  func uncalledFixture() {
    var functions = CalledFunctions()
    functions.read(
      """
      func a() {}
      func b(_ x: Int) { a() }
      func c(at x: Int = 1) { [1].map(b) }
      func d(on x: Int, y: Int) { c() }
      func e<T: P>(to x: T) { d(on: 1, y: 2) }
      override func f() {}
      // func g() {}, e(to: 1)
      func h(of x: Int) { h(x) }
      """, file: "x")
    #expect(functions.uncalled.map(\.name) == ["e", "h"])
  }
}
