import FoundationEssentials
import Glibc

/// Reads ssh_config(5) files for one host, keyword by keyword.
struct SSHConfigParser {
  let host: String
  let user: String?
  let environment: SSHEnvironment
  var config = SSHConfig()
  /// True while the files are read once more, as ssh does where a block says `Match final`.
  var isFinal = false
  private(set) var asksForFinal = false

  init(host: String, user: String?, environment: SSHEnvironment) {
    self.host = host
    self.user = user
    self.environment = environment
  }

  /// Reads a file; a missing one is empty.
  mutating func read(_ file: String, depth: Int) throws(BastionError) {
    guard FileManager.default.fileExists(atPath: file) else { return }
    guard let data = FileManager.default.contents(atPath: file) else {
      throw .config(file: file, line: nil, problem: "it cannot be read; check its permissions")
    }
    try read(text: String(decoding: data, as: UTF8.self), file: file, depth: depth)
  }

  mutating func read(text: String, file: String, depth: Int) throws(BastionError) {
    var isActive = true
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let number = index + 1
      guard let words = Self.words(line) else {
        throw .config(file: file, line: number, problem: "a quotation mark is not closed")
      }
      guard let keyword = words.first?.lowercased() else { continue }
      let values = words.dropFirst().map { $0 }
      guard !values.isEmpty else { throw .config(file: file, line: number, problem: "\(words[0]) has no value") }
      switch keyword {
      case "host": isActive = HostPattern.matches(values.map { $0[...] }, host, caseCounts: true)
      case "match": isActive = matches(values, file, number)
      case "include" where isActive: try include(values, file, number, depth)
      default: if isActive { try take(keyword, values, file, number) }
      }
    }
  }

  private mutating func take(_ keyword: String, _ values: [String], _ file: String, _ line: Int) throws(BastionError) {
    func flag() throws(BastionError) -> Bool {
      switch values[0].lowercased() {
      case "yes", "true": return true
      case "no", "false": return false
      default: throw .config(file: file, line: line, problem: "'\(values[0])' is neither yes nor no")
      }
    }
    switch keyword {
    case "hostname": config.hostName = config.hostName ?? values[0]
    case "user": config.user = config.user ?? values[0]
    case "port":
      guard let port = UInt16(values[0]), port > 0 else {
        throw .config(file: file, line: line, problem: "'\(values[0])' is not a port from 1 to 65535")
      }
      config.port = config.port ?? port
    case "identityfile": if !config.identityFiles.contains(values[0]) { config.identityFiles.append(values[0]) }
    case "identitiesonly":
      let value = try flag()
      config.identitiesOnly = config.identitiesOnly ?? value
    case "identityagent": config.identityAgent = config.identityAgent ?? values[0]
    case "userknownhostsfile": config.userKnownHostsFiles = config.userKnownHostsFiles ?? values
    case "globalknownhostsfile": config.globalKnownHostsFiles = config.globalKnownHostsFiles ?? values
    case "hashknownhosts":
      let value = try flag()
      config.hashesKnownHosts = config.hashesKnownHosts ?? value
    case "hostkeyalias": config.hostKeyAlias = config.hostKeyAlias ?? values[0]
    case "stricthostkeychecking":
      let policy: BastionSettings.UnknownKeys
      switch values[0].lowercased() {
      case "yes", "true": policy = .refuse
      case "no", "false", "off", "accept-new": policy = .accept
      case "ask": policy = .ask
      default: throw .config(file: file, line: line, problem: "'\(values[0])' is none of yes, no, ask, accept-new")
      }
      config.unknownKeys = config.unknownKeys ?? policy
    case "proxyjump":
      guard config.proxy == nil else { return }
      config.proxy = SSHConfig.Proxy(jumps: try Self.jumps(values[0], file, line), file: file, line: line)
    case "proxycommand":
      guard config.proxy == nil else { return }
      guard values[0].lowercased() == "none" else {
        throw .config(
          file: file, line: line,
          problem: "ProxyCommand reaches \(host) by a program, which devtunnel does not run; "
            + "use ProxyJump for SSH hosts, or `ssh -N -D 1080 \(host)` "
            + "and `proxy-url: socks5://127.0.0.1:1080` in the kubeconfig, without --via")
      }
      config.proxy = SSHConfig.Proxy(jumps: [], file: file, line: line)
    default: break
    }
  }

  /// Parses the value of ProxyJump: `[user@]host[:port]` or a URL, several with commas; or `none`.
  private static func jumps(_ value: String, _ file: String, _ line: Int) throws(BastionError) -> [BastionURL] {
    if value.lowercased() == "none" { return [] }
    var jumps: [BastionURL] = []
    for part in value.split(separator: ",", omittingEmptySubsequences: false) {
      do throws(BastionError) {
        jumps.append(try BastionURL(part.lowercased().hasPrefix("ssh://") ? String(part) : "ssh://\(part)"))
      } catch {
        guard case .badURL(_, let problem) = error else { throw error }
        throw .config(file: file, line: line, problem: "ProxyJump '\(part)' names no SSH host: \(problem)")
      }
    }
    return jumps
  }

  /// Evaluates `all`, `host`, `originalhost`, `user`, `localuser`, `canonical` and `final`; a block with any other
  /// criterion is skipped, which is noted if the rest of it matches.
  private mutating func matches(_ values: [String], _ file: String, _ line: Int) -> Bool {
    // `host=name` is `host name`.
    var rest = values.flatMap { $0.split(separator: "=", maxSplits: 1).map(String.init) }[...]
    var unknown: String?
    while let word = rest.popFirst() {
      let isNegated = word.hasPrefix("!")
      let criterion = (isNegated ? String(word.dropFirst()) : word).lowercased()
      switch criterion {
      case "all":
        if isNegated { return false }
        continue
      case "canonical", "final":
        asksForFinal = asksForFinal || criterion == "final"
        guard isFinal != isNegated else { return false }
        continue
      default: break
      }
      guard let value = rest.popFirst() else { return false }
      let subject: String
      switch criterion {
      case "host": subject = config.hostName.map { expanded($0) } ?? host
      case "originalhost": subject = host
      case "user": subject = user ?? config.user ?? environment.user
      case "localuser": subject = environment.user
      default:
        unknown = unknown ?? criterion
        continue
      }
      let isMatched = HostPattern.matches(
        value.split(separator: ","), subject, caseCounts: criterion == "user" || criterion == "localuser")
      guard isMatched != isNegated else { return false }
    }
    if let unknown {
      let note = "\(file):\(line): the block with `Match \(unknown)` is skipped"
      if !config.notes.contains(note) { config.notes.append(note) }
    }
    return unknown == nil
  }

  private func expanded(_ hostName: String) -> String {
    environment.expand(
      hostName, host: host, port: config.port ?? 22, user: user ?? config.user ?? environment.user)
  }

  private mutating func include(_ patterns: [String], _ file: String, _ line: Int, _ depth: Int) throws(BastionError) {
    guard depth < 16 else { throw .config(file: file, line: line, problem: "Include is nested more than 16 times") }
    for pattern in patterns {
      var path = environment.expand(
        pattern, host: host, port: config.port ?? 22, user: user ?? config.user ?? environment.user)
      // Relative to the folder for its kind of file.
      if !path.hasPrefix("/") {
        path = (file.hasPrefix("/etc/ssh/") ? "/etc/ssh/" : "\(environment.home)/.ssh/") + path
      }
      var found = glob_t()
      defer { globfree(&found) }
      guard glob(path, 0, nil, &found) == 0 else { continue }
      for index in 0..<Int(found.gl_pathc) { try read(String(cString: found.gl_pathv[index]!), depth: depth + 1) }
    }
  }

  /// Splits a line at blanks, and at one `=` behind the keyword. Quotation marks of both kinds hold blanks together, a
  /// backslash stands before a quotation mark, a blank or a backslash that is meant, and `#` at a word's beginning ends
  /// the line (OpenSSH's argv_split).
  /// - Returns: nil for a quotation mark that is not closed.
  static func words(_ line: Substring) -> [String]? {
    var words: [String] = []
    var rest = line.drop(while: \.isWhitespace)
    while let first = rest.first, first != "#" {
      var word = ""
      var quote: Character?
      while let character = rest.first {
        if quote == nil, character.isWhitespace || words.isEmpty && character == "=" { break }
        rest = rest.dropFirst()
        if character == "\\", let next = rest.first,
          next == "\"" || next == "'" || next == "\\" || quote == nil && next == " "
        {
          word.append(next)
          rest = rest.dropFirst()
        } else if character == quote {
          quote = nil
        } else if quote == nil, character == "\"" || character == "'" {
          quote = character
        } else {
          word.append(character)
        }
      }
      guard quote == nil else { return nil }
      rest = rest.drop(while: \.isWhitespace)
      if words.isEmpty, rest.first == "=" { rest = rest.dropFirst().drop(while: \.isWhitespace) }
      words.append(word)
    }
    return words
  }
}
