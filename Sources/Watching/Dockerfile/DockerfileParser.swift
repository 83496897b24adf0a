/// Follows a Dockerfile's instructions and notes the files that each stage reads.
struct DockerfileParser {
  let reader: DockerfileReader
  let buildArgs: [String: String]
  private(set) var stages: [DockerfileStage] = []
  /// The last stage of each name.
  private var named: [String: Int] = [:]
  /// A stage may copy the variables of its base stage. The largest real files have some dozens.
  private static let mostStages = 500
  /// The bytes that the values of variables and the sources may still have together. The largest real files have some
  /// kilobytes; lines that use each other's values could make gigabytes of one MiB.
  private var left = 2 << 20
  private static let mostSources = 10_000
  /// PATH_MAX.
  private static let longestSource = 4096
  /// ARGs before the first FROM, and the platform's.
  private var globals: [String: String] = DockerfileParser.platform

  init(_ reader: DockerfileReader, buildArgs: [String: String]) throws(WatchError) {
    self.reader = reader
    self.buildArgs = buildArgs
    for instruction in reader.instructions { try read(instruction) }
    guard !stages.isEmpty else {
      throw WatchError(.syntax, "there is no FROM", file: reader.file, remedy: "begin with FROM IMAGE")
    }
  }

  private mutating func read(_ instruction: DockerfileReader.Instruction) throws(WatchError) {
    guard Self.keywords.contains(instruction.keyword) else {
      throw bad(
        "'\(instruction.keyword)' is not an instruction", instruction,
        "correct its spelling; a line that continues the one before needs '\(reader.escape)' at that one's end")
    }
    if instruction.keyword == "FROM" { return try from(instruction) }
    if instruction.keyword == "ARG" { return declare(instruction) }
    guard !stages.isEmpty else {
      throw bad("\(instruction.keyword) comes before the first FROM", instruction, "only ARG may come before it")
    }
    switch instruction.keyword {
    case "ENV": environment(instruction)
    case "COPY", "ADD": try copy(instruction)
    case "RUN": mounts(instruction)
    case "WORKDIR":
      let last = stages.count - 1
      let place = expand(instruction.arguments).flatMap { DockerfileCopy.place($0, in: stages[last].directory) }
      stages[last].directory = place
    case "ONBUILD": try addTrigger(instruction)
    default: break
    }
  }

  private mutating func addTrigger(_ instruction: DockerfileReader.Instruction) throws(WatchError) {
    let keyword = instruction.arguments.prefix { !$0.isWhitespace }
    let name = keyword.uppercased()
    guard Self.keywords.contains(name), !["FROM", "ONBUILD", "MAINTAINER"].contains(name) else {
      throw bad(
        "ONBUILD cannot be followed by '\(keyword)'", instruction, "write another instruction, such as ONBUILD COPY")
    }
    let triggered = DockerfileReader.Instruction(
      keyword: name, arguments: String(instruction.arguments.dropFirst(keyword.count).trimmed), line: instruction.line)
    stages[stages.count - 1].triggers.append(triggered)
  }

  private func bad(_ message: String, _ instruction: DockerfileReader.Instruction, _ remedy: String) -> WatchError {
    WatchError(.syntax, message, file: reader.file, line: instruction.line, remedy: remedy)
  }

  /// Returns the leading `--name=value` words, and the rest.
  private func options(_ arguments: String) -> (options: [(name: String, value: String)], rest: Substring) {
    var options: [(String, String)] = []
    var rest = arguments[...]
    while rest.hasPrefix("--") {
      let word = rest.prefix { !$0.isWhitespace }
      rest = rest.dropFirst(word.count).trimmed
      let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      options.append((parts[0].lowercased(), parts.count > 1 ? String(parts[1]) : ""))
    }
    return (options, rest)
  }

  // MARK: FROM, ARG, ENV

  private mutating func from(_ instruction: DockerfileReader.Instruction) throws(WatchError) {
    let words = ShellWord.split(String(options(instruction.arguments).rest), escape: reader.escape)
    guard words.count == 1 || (words.count == 3 && words[1].lowercased() == "as") else {
      throw bad(
        "FROM \(instruction.arguments) is not understood", instruction, "write FROM IMAGE or FROM IMAGE AS NAME")
    }
    let globals = globals
    let image = ShellWord.expand(words[0], escape: reader.escape) { globals[$0] ?? "" } ?? words[0]
    guard stages.count < Self.mostStages else {
      throw bad("there are more than \(Self.mostStages) stages", instruction, "divide the file")
    }
    var stage = DockerfileStage(name: words.count == 3 ? words[2].lowercased() : nil)
    let base = reference(image, numbers: false)
    stage.base = base
    switch base {
    case .image("scratch"): stage.directory = "/"
    case .image: break
    case .stage(let index): stage.directory = stages[index].directory
    }
    // Each stage that changes a variable has a copy of all of them.
    if case .stage(let index) = base, spend(stages[index].size) {
      stage.environment = stages[index].environment
      stage.arguments = stages[index].arguments
    }
    if let name = stage.name { named[name] = stages.count }
    stages.append(stage)
    // Stages that begin from each other could carry out any number of instructions.
    if case .stage(let index) = base, spend(64 * stages[index].triggers.count) {
      for triggered in stages[index].triggers { try read(triggered) }
    }
  }

  /// - Parameter numbers: `--from=0` is a stage; `FROM 0` is an image.
  private func reference(_ name: String, numbers: Bool) -> DockerfileStage.Reference {
    if let index = named[name.lowercased()] { return .stage(index) }
    if numbers, let index = Int(name), stages.indices.contains(index) { return .stage(index) }
    return .image(name)
  }

  private mutating func declare(_ instruction: DockerfileReader.Instruction) {
    for word in ShellWord.split(instruction.arguments, escape: reader.escape) {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let fallback = parts.count > 1 ? expand(parts[1]) : nil
      if stages.isEmpty {
        globals[parts[0]] = buildArgs[parts[0]] ?? fallback ?? globals[parts[0]] ?? ""
      } else {
        // A default that is unknown here stays unknown.
        stages[stages.count - 1].arguments[parts[0]] =
          buildArgs[parts[0]] ?? (parts.count > 1 ? fallback : globals[parts[0]] ?? "")
      }
    }
  }

  private mutating func environment(_ instruction: DockerfileReader.Instruction) {
    let words = ShellWord.split(instruction.arguments, escape: reader.escape)
    guard let first = words.first else { return }
    guard first.contains("=") else {
      // The old form: ENV NAME and the rest of the line.
      let value = expand(String(instruction.arguments.dropFirst(first.count).trimmed))
      stages[stages.count - 1].environment[first] = .some(value)
      return
    }
    // All values are those before this instruction.
    let pairs = words.map { word in
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      return (parts[0], parts.count > 1 ? expand(parts[1]) : "")
    }
    for (name, value) in pairs { stages[stages.count - 1].environment[name] = .some(value) }
  }

  /// A word's value; nil where it is not known here, or where the file means too much: then no value is known any more.
  private mutating func expand(_ word: String) -> String? {
    guard left > 0 else { return nil }
    let (stage, globals) = (stages.last, globals)
    let value = ShellWord.expand(word, escape: reader.escape) { name in
      stage.map { $0.value(name) } ?? globals[name] ?? ""
    }
    guard let value, spend(value.utf8.count) else { return nil }
    return value
  }

  /// - Returns: whether so many bytes were left.
  private mutating func spend(_ bytes: Int) -> Bool {
    left -= bytes
    return left > 0
  }

  /// Adds what the last stage reads; nil, and what is too much or too long, is the whole context.
  private mutating func read(source: String?) {
    let last = stages.count - 1
    let count = stages[last].sources.count
    guard let source, source.utf8.count < Self.longestSource, count < Self.mostSources else {
      stages[last].sources = ["."]
      return
    }
    if stages[last].sources != ["."] { stages[last].sources.append(sourcePath(source)) }
  }

  // MARK: COPY, ADD, RUN --mount

  private mutating func copy(_ instruction: DockerfileReader.Instruction) throws(WatchError) {
    let (options, rest) = options(instruction.arguments)
    let words = list(rest) ?? rest.split(whereSeparator: \.isWhitespace).map(String.init)
    guard words.count >= 2 else {
      throw bad(
        "\(instruction.keyword) needs at least one source and a destination", instruction,
        "write \(instruction.keyword) SOURCE… DESTINATION")
    }
    if let from = options.last(where: { $0.name == "from" }) { return take(from.value) }
    let copy = copy(to: words, instruction.keyword, options)
    for word in words.dropLast() where Heredoc(word, escape: reader.escape) == nil {
      let source = expand(word)
      if instruction.keyword == "ADD", let source, isRemote(source) { continue }
      read(source: source)
      add(copy, of: source)
    }
  }

  /// Returns the copy into the last word of an instruction; its source is not known yet.
  private mutating func copy(to words: [String], _ keyword: String, _ options: [(name: String, value: String)])
    -> DockerfileCopy
  {
    let directory = stages[stages.count - 1].directory
    let word = expand(words[words.count - 1])
    var copy = DockerfileCopy(source: ".", destination: word.flatMap { DockerfileCopy.place($0, in: directory) })
    // The files that are left out are not known here.
    if options.contains(where: { $0.name == "exclude" }) { copy.destination = nil }
    copy.keepsPath = options.contains { $0.name == "parents" && $0.value.lowercased() != "false" }
    copy.unpacks = keyword == "ADD"
    guard let word, let destination = copy.destination else { return copy }
    copy.isIntoDirectory =
      words.count > 2 || word == "." || word.hasSuffix("/") || word.hasSuffix("/.") || destination == directory
      || destination == "/"
    return copy
  }

  private mutating func add(_ copy: DockerfileCopy, of source: String?) {
    let last = stages.count - 1
    var copy = copy
    if let source, source.utf8.count < Self.longestSource {
      copy.source = sourcePath(source)
    } else {
      copy.destination = nil
    }
    guard stages[last].copies.count < Self.mostSources else { return }
    // The first one too many stands for all that follow.
    if stages[last].copies.count == Self.mostSources - 1 { copy = DockerfileCopy(source: ".") }
    stages[last].copies.append(copy)
  }

  private mutating func mounts(_ instruction: DockerfileReader.Instruction) {
    for option in options(instruction.arguments).options where option.name == "mount" {
      var fields: [String: String] = [:]
      for field in option.value.split(separator: ",") {
        let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        fields[parts[0].lowercased()] = parts.count > 1 ? String(parts[1]) : ""
      }
      let kind = fields["type"] ?? "bind"
      if let from = fields["from"], kind == "bind" || kind == "cache" {
        take(from)
      } else if kind == "bind" {
        let source = fields["source"] ?? fields["src"] ?? "."
        read(source: expand(source))
      }
    }
  }

  /// Takes files of another stage or an image.
  private mutating func take(_ from: String) {
    let name = expand(from) ?? from
    stages[stages.count - 1].origins.append(reference(name, numbers: true))
  }

  /// Parses the JSON form: `["a", "b c", "/there/"]`.
  private func list(_ text: Substring) -> [String]? {
    guard text.hasPrefix("[") else { return nil }
    return JSONStrings.parse(text)
  }

  /// Checks for a source that ADD fetches from elsewhere (Dockerfile reference, "ADD"): URLs and git repositories.
  private func isRemote(_ source: String) -> Bool {
    ["http://", "https://", "git://", "ssh://", "git@"].contains { source.lowercased().hasPrefix($0) }
  }

  private static let keywords: Set<String> = [
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
    "RUN", "SHELL", "STOPSIGNAL",
    "USER", "VOLUME", "WORKDIR",
  ]

  /// The ARGs that BuildKit sets by itself (Dockerfile reference, "Automatic platform ARGs"); a stage
  /// sees them once it has declared them.
  private static let platform: [String: String] = {
    #if arch(arm64)
      let architecture = "arm64"
    #else
      let architecture = "amd64"
    #endif
    var values: [String: String] = [:]
    for side in ["TARGET", "BUILD"] {
      values["\(side)PLATFORM"] = "linux/\(architecture)"
      values["\(side)OS"] = "linux"
      values["\(side)ARCH"] = architecture
      values["\(side)VARIANT"] = ""
    }
    return values
  }()
}
