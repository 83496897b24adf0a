/// The options of `kustomize build` in a skaffold.yaml: those passed on, those that the user must allow, and those
/// without sense here. Any other is refused, since the next version of kustomize may have one that runs programs.
struct KustomizeOptions {
  private enum Rule {
    case passed
    /// The effect that the user must allow.
    case demanded(String)
    /// The caller chooses it.
    case dropped
  }

  private static let flags: [String: Rule] = [
    "as-current-user": .passed, "helm-debug": .passed, "enable-managedby-label": .passed,
    "add-managedby-label": .passed,
    "enable-helm": .demanded("kustomize would run helm, which fetches charts and writes them beside the kustomization"),
    "enable-alpha-plugins": .demanded("kustomize would run programs"),
    "enable-exec": .demanded("kustomize would run programs of the repository"),
    "enable-star": .demanded("kustomize would run Starlark programs of the repository"),
    "network": .demanded("functions would reach the network"),
  ]

  private static let values: [String: Rule] = [
    "reorder": .passed, "helm-api-versions": .passed, "helm-kube-version": .passed, "load-restrictor": .dropped,
    "helm-command": .demanded("kustomize would run this program"),
    "network-name": .demanded("functions would reach the network"),
    "mount": .demanded("functions would see files of this machine"),
    "env": .demanded("functions would see the environment"),
  ]

  /// Options and their values, each as one word.
  private(set) var passed: [String] = []
  /// Words that the user must allow, and the effect of each.
  private(set) var demanded: [(word: String, why: String)] = []
  private(set) var refused: [String] = []

  /// - Parameter arguments: words, or several words in one; old spellings (`--enable_helm`) are accepted.
  init(_ arguments: [String]) {
    var rest = arguments.flatMap { $0.split(separator: " ").map(String.init) }[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("--") || word == "-e" else {
        refused.append(word)
        continue
      }
      let parts = (word == "-e" ? "--env" : word).dropFirst(2).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false
      ).map(String.init)
      let name = parts[0].replacing("_", with: "-")
      if let rule = Self.flags[name] {
        take(rule, "--" + ([name] + parts.dropFirst()).joined(separator: "="))
      } else if let rule = Self.values[name], let value = parts.count > 1 ? parts[1] : rest.popFirst() {
        take(rule, "--\(name)=\(value)")
      } else {
        refused.append(word)
      }
    }
  }

  private mutating func take(_ rule: Rule, _ word: String) {
    switch rule {
    case .passed: passed.append(word)
    case .demanded(let why): demanded.append((word, why))
    case .dropped: break
    }
  }

  /// For an error's remedy.
  static var names: String {
    (flags.merging(values) { $1 }).keys.filter { $0 != "load-restrictor" }.sorted().map { "--" + $0 }.joined(
      separator: ", ")
  }
}
