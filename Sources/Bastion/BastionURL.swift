/// A bastion's address: `ssh://[user@]host[:port]`, as `--via` takes it. Missing parts come from `SSHConfig`.
public struct BastionURL: Sendable, Hashable, CustomStringConvertible {
  public var user: String?
  /// A name, an alias of `~/.ssh/config`, or an address (IPv6 without brackets).
  public var host: String
  public var port: UInt16?

  public init(user: String? = nil, host: String, port: UInt16? = nil) {
    self.user = user
    self.host = host
    self.port = port
  }

  /// - Throws: `BastionError.badURL`, which names the text.
  public init(_ text: String) throws(BastionError) {
    func bad(_ problem: String) -> BastionError { .badURL(text: text, problem: problem) }
    guard text.hasPrefix("ssh://") else { throw bad("it does not begin with ssh://") }
    var rest = text.dropFirst("ssh://".count)
    if rest.last == "/" { rest.removeLast() }
    guard !rest.contains(where: { $0.isWhitespace || $0 == "/" || $0 == "?" || $0 == "#" }) else {
      throw bad("only a user, a host and a port belong in it")
    }
    if let at = rest.lastIndex(of: "@") {
      let name = rest[..<at]
      guard !name.isEmpty else { throw bad("the user before '@' is empty") }
      guard !name.contains(":") else { throw bad("a password has no place in it: use a key or ssh-agent") }
      // A host or user that begins with a dash would be an option for the next program.
      guard name.first != "-" else { throw bad("the user begins with '-'") }
      user = String(name)
      rest = rest[rest.index(after: at)...]
    }
    let tail: Substring
    if rest.first == "[" {
      guard let end = rest.firstIndex(of: "]") else { throw bad("the '[' has no ']'") }
      host = String(rest[rest.index(after: rest.startIndex)..<end])
      tail = rest[rest.index(after: end)...]
    } else {
      host = String(rest.prefix { $0 != ":" })
      tail = rest.dropFirst(host.count)
      guard tail.filter({ $0 == ":" }).count < 2 else { throw bad("an IPv6 address belongs in brackets") }
    }
    guard !host.isEmpty else { throw bad("the host is missing") }
    guard host.first != "-" else { throw bad("the host begins with '-'") }
    guard !tail.isEmpty else { return }
    guard tail.first == ":", let number = UInt16(tail.dropFirst()), number > 0 else {
      throw bad("'\(tail.dropFirst())' is not a port from 1 to 65535")
    }
    port = number
  }

  public var description: String {
    "ssh://" + (user.map { $0 + "@" } ?? "") + (host.contains(":") ? "[\(host)]" : host) + (port.map { ":\($0)" } ?? "")
  }
}
