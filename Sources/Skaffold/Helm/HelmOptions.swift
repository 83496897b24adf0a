/// The options of `helm template` in a skaffold.yaml: those passed on, those that the user must allow, those without
/// sense here, and those that are refused. An option that is not known must be allowed, since the next version of Helm
/// may have one that runs programs.
struct HelmOptions {
  private enum Rule {
    case passed
    /// The effect that the user must allow.
    case demanded(String)
    /// It makes no difference to what a chart contains.
    case dropped
    case refused(String)
  }

  private static let cluster = "helm would ask a cluster"
  private static let files = "helm would read this file"
  private static let program = "helm would run this program"

  private static let flags: [String: Rule] = [
    "include-crds": .passed, "skip-crds": .passed, "no-hooks": .passed, "skip-tests": .passed, "is-upgrade": .passed,
    "skip-schema-validation": .passed, "disable-openapi-validation": .dropped, "debug": .dropped, "devel": .passed,
    "release-name": .dropped, "replace": .dropped, "no-color": .dropped, "generate-name": .passed,
    "hide-notes": .dropped, "render-subchart-notes": .dropped, "wait": .dropped, "wait-for-jobs": .dropped,
    "atomic": .dropped, "rollback-on-failure": .dropped, "create-namespace": .dropped, "force": .dropped,
    "force-replace": .dropped, "force-conflicts": .dropped, "take-ownership": .dropped, "cleanup-on-fail": .dropped,
    "install": .dropped, "reuse-values": .dropped, "reset-values": .dropped, "reset-then-reuse-values": .dropped,
    "pass-credentials": .passed, "insecure-skip-tls-verify": .passed, "plain-http": .passed,
    "kube-insecure-skip-tls-verify": .dropped,
    "dependency-update": .demanded("helm would fetch charts and write them beside the chart"),
    "enable-dns": .demanded("charts could ask name servers"), "validate": .demanded(cluster),
    "verify": .demanded("helm would read your keys"), "hide-secret": .dropped, "skip-refresh": .passed,
  ]

  private static let values: [String: Rule] = [
    "kube-version": .passed, "api-versions": .passed, "set": .passed, "set-string": .passed, "set-json": .passed,
    "set-literal": .passed, "show-only": .passed, "name-template": .passed, "version": .passed, "username": .passed,
    "password": .passed, "description": .dropped, "labels": .dropped, "timeout": .dropped, "kube-context": .dropped,
    "kubeconfig": .dropped, "kube-apiserver": .dropped, "kube-as-user": .dropped, "kube-as-group": .dropped,
    "kube-ca-file": .dropped, "kube-tls-server-name": .dropped, "kube-token": .dropped, "burst-limit": .dropped,
    "qps": .dropped, "history-max": .dropped, "color": .dropped, "server-side": .dropped,
    "values": .demanded(files), "set-file": .demanded(files), "ca-file": .demanded(files),
    "cert-file": .demanded(files), "key-file": .demanded(files), "keyring": .demanded(files),
    "registry-config": .demanded(files), "repository-config": .demanded(files),
    "repository-cache": .demanded(files), "dry-run": .demanded(cluster),
    "repo": .demanded("helm would fetch the chart from there"),
    "post-renderer": .demanded(program), "post-renderer-args": .demanded("helm would run a program with it"),
    "output-dir": .refused("leave it out: devtunnel reads what helm prints"),
    "output": .refused("leave it out: devtunnel reads what helm prints"),
    "namespace": .refused("write namespace: in the release"),
  ]

  private static let short: [String: String] = [
    "-f": "values", "-a": "api-versions", "-n": "namespace", "-s": "show-only", "-g": "generate-name", "-l": "labels",
    "-o": "output",
  ]

  /// Options and their values.
  private(set) var passed: [String] = []
  /// An option that the user must allow, and its effect.
  private(set) var demanded: [(words: [String], why: String, position: HelmRelease.Placed)] = []
  private(set) var refused: [(word: HelmRelease.Placed, remedy: String)] = []

  /// - Parameter arguments: each may hold several words, as Skaffold's users write them.
  init(_ arguments: [HelmRelease.Placed]) {
    var rest = arguments.flatMap { argument in
      Self.words(argument.text).map { HelmRelease.Placed(text: $0, position: argument.position) }
    }[...]
    while let word = rest.popFirst() {
      guard word.text.hasPrefix("-") else {
        refused.append((word, "write an option: --NAME=VALUE"))
        continue
      }
      let (name, value) = Self.parts(word.text)
      if let rule = Self.values[name] {
        let value = value ?? rest.popFirst()?.text ?? ""
        // Without a value it asks no cluster.
        let isClient = name == "dry-run" && ["client", "none", "true", "false"].contains(value)
        // In one word: an option that takes no value after all does not make a name or a chart of it.
        take(isClient ? .dropped : rule, ["--\(name)=\(value)"], word)
      } else {
        take(
          Self.flags[name] ?? .demanded("devtunnel does not know what this option of helm does"),
          [value.map { "--\(name)=\($0)" } ?? "--" + name], word)
      }
    }
  }

  /// The arguments for helm, once they are allowed.
  var all: [String] { passed + demanded.flatMap(\.words) }

  /// - Parameter command: the command of helm that gets them.
  func demands(of command: String, _ root: String) -> [Demand] {
    demanded.map { words, why, place in
      Demand(
        key: "\(command) \(Words.text(words))", text: "\(command)'s option \(words.joined(separator: " ")): \(why)",
        position: place.position, root: root)
    }
  }

  private mutating func take(_ rule: Rule, _ words: [String], _ place: HelmRelease.Placed) {
    switch rule {
    case .passed: passed += words
    case .demanded(let why): demanded.append((words, why, place))
    case .dropped: break
    case .refused(let remedy): refused.append((place, remedy))
    }
  }

  private static func parts(_ word: String) -> (name: String, value: String?) {
    guard word.hasPrefix("--") else {
      let name = short[String(word.prefix(2))] ?? String(word.drop { $0 == "-" })
      let value = word.dropFirst(2)
      return (name, value.isEmpty || short[String(word.prefix(2))] == nil ? nil : String(value.drop { $0 == "=" }))
    }
    let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    return (parts[0], parts.count > 1 ? parts[1] : nil)
  }

  /// Only an option with its value in one argument is split: a value may have spaces.
  private static func words(_ argument: String) -> [String] {
    guard argument.hasPrefix("-"), let space = argument.firstIndex(of: " "), !argument[..<space].contains("=") else {
      return [argument]
    }
    return [String(argument[..<space]), String(argument[space...].drop { $0 == " " })]
  }

  /// Returns the arguments of `install` that set values.
  static func settingValues(_ arguments: [HelmRelease.Placed]) -> [HelmRelease.Placed] {
    var result: [HelmRelease.Placed] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard let word = words(argument.text).first else { continue }
      let (name, value) = parts(word)
      guard ["set", "set-string", "set-json", "set-literal", "set-file", "values"].contains(name) else { continue }
      result.append(argument)
      if value == nil, words(argument.text).count == 1, let next = rest.popFirst() { result.append(next) }
    }
    return result
  }
}
