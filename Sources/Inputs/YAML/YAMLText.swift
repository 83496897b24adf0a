internal import CLibYAML

/// Reads YAML that others wrote. A few lines can mean any number of values (aliases of aliases, merge
/// keys of merge keys): the values are counted while the text is read, and refused before any is built.
/// Time and memory stay proportional to the text.
public enum YAMLText {
  /// The limits of a text.
  public struct Limits: Sendable, Hashable {
    /// In bytes.
    public var text = 16 << 20
    /// The depth of nested values.
    public var depth = 200
    /// Values beyond the written ones: copies that aliases make.
    public var copies = 100_000
    /// Bytes beyond the text's own that such copies have.
    public var copiedBytes = 16 << 20
    /// Keys that appear twice in a mapping.
    public var duplicates = 100
    /// Lines that begin with `%`: libyaml compares each with all others.
    public var directives = 16
    /// True if tags (`!!binary`) are allowed.
    public var hasTags = true

    public init() {}
  }

  /// - Returns: the root value of each document, empty ones included.
  /// - Throws: `YAMLProblem` with the position.
  public static func read(_ text: String, limits: Limits = Limits()) throws(YAMLProblem) -> [YAMLValue] {
    var text = text
    let result: Result<[YAMLValue], YAMLProblem> = text.withUTF8 { bytes in
      do throws(YAMLProblem) {
        try check(bytes, limits)
        var composer = YAMLComposer(limits)
        try composer.compose(bytes)
        return .success(composer.documents)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private static func check(_ bytes: UnsafeBufferPointer<UInt8>, _ limits: Limits) throws(YAMLProblem) {
    let start = YAMLMark(line: 1, column: 1)
    guard bytes.count <= limits.text else {
      throw YAMLProblem(
        .refused, "it has more than \(limits.text >> 20) MiB", at: start, remedy: "divide it into smaller files")
    }
    var directives = 0
    var line = 1
    var isStart = true
    for byte in bytes {
      if isStart, byte == UInt8(ascii: "%") {
        directives += 1
        if directives > limits.directives {
          throw YAMLProblem(
            .refused, "it has more than \(limits.directives) directives", at: YAMLMark(line: line, column: 1),
            remedy: "leave out the lines that begin with %")
        }
      }
      isStart = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
      if byte == UInt8(ascii: "\n") { line += 1 }
    }
  }
}

/// Builds values from libyaml's events.
private struct YAMLComposer {
  /// A sequence or a mapping that has not ended.
  private struct Frame {
    var isMapping: Bool
    var mark: YAMLMark
    var tag: String?
    var anchor: String?
    var elements: [YAMLValue] = []
    var entries: [YAMLValue.Entry] = []
    /// The last position of each key in `entries`.
    var places: [String: Int] = [:]
    /// The key whose value is next.
    var key: (text: String, isPlain: Bool, mark: YAMLMark)?

    /// Its entries, each marked if a later one replaces it.
    var counted: [YAMLValue.Entry] {
      guard places.count < entries.count else { return entries }
      return entries.enumerated().map { index, entry in
        guard let last = places[entry.key], last != index else { return entry }
        return YAMLValue.Entry(
          key: entry.key, isPlain: entry.isPlain, mark: entry.mark, value: entry.value, last: entries[last].mark)
      }
    }
  }

  private(set) var documents: [YAMLValue] = []
  private let limits: YAMLText.Limits
  private var frames: [Frame] = []
  private var anchors: [String: YAMLValue] = [:]
  private var duplicates = 0
  /// Values that are written.
  private var written = 0
  /// Values that earlier documents mean, and their bytes.
  private var meant = (values: 0, bytes: 0)
  /// The greatest number of bytes that the documents may mean.
  private var mostBytes = 0

  init(_ limits: YAMLText.Limits) { self.limits = limits }

  mutating func compose(_ bytes: UnsafeBufferPointer<UInt8>) throws(YAMLProblem) {
    // An escape such as `\L` stands for more bytes than it has.
    mostBytes = 2 * bytes.count + limits.copiedBytes
    var parser = yaml_parser_t()
    guard yaml_parser_initialize(&parser) == 1 else {
      throw YAMLProblem(.refused, "there is no memory to read it", at: YAMLMark(line: 1, column: 1))
    }
    defer { yaml_parser_delete(&parser) }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(&parser, &event) == 1 else { throw problem(parser, bytes) }
      defer { yaml_event_delete(&event) }
      if event.type == YAML_STREAM_END_EVENT { return }
      try take(event)
    }
  }

  private func problem(_ parser: yaml_parser_t, _ bytes: UnsafeBufferPointer<UInt8>) -> YAMLProblem {
    let message = parser.problem.map { String(cString: $0) } ?? "it cannot be read"
    // libyaml reads ahead, and has its own limit.
    if message.contains("depth") || message.contains("level") { return tooDeep(YAMLMark(parser.problem_mark)) }
    guard parser.error != YAML_READER_ERROR else {
      let line = bytes.prefix(parser.problem_offset).count { $0 == UInt8(ascii: "\n") } + 1
      return YAMLProblem(.encoding, message, at: YAMLMark(line: line, column: 1))
    }
    return YAMLProblem(.syntax, message, at: YAMLMark(parser.problem_mark))
  }

  private mutating func take(_ event: yaml_event_t) throws(YAMLProblem) {
    let mark = YAMLMark(event.start_mark)
    switch event.type {
    case YAML_DOCUMENT_START_EVENT: anchors = [:]
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
      let tag = Self.text(scalar.tag)
      if let anchor = Self.text(scalar.anchor) {
        // A key may have an anchor too.
        anchors[anchor] = YAMLValue(.scalar(text, isPlain: isPlain), mark: mark, tag: tag)
      }
      try add(YAMLValue(.scalar(text, isPlain: isPlain), mark: mark, tag: tag), at: mark)
    case YAML_SEQUENCE_START_EVENT:
      try open(
        Frame(
          isMapping: false, mark: mark, tag: Self.text(event.data.sequence_start.tag),
          anchor: Self.text(event.data.sequence_start.anchor)))
    case YAML_MAPPING_START_EVENT:
      try open(
        Frame(
          isMapping: true, mark: mark, tag: Self.text(event.data.mapping_start.tag),
          anchor: Self.text(event.data.mapping_start.anchor)))
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: try close()
    case YAML_ALIAS_EVENT:
      let name = Self.text(event.data.alias.anchor) ?? ""
      guard let value = anchors[name] else { throw YAMLProblem(.syntax, "found undefined alias", at: mark) }
      if case .scalar = value.content { return try add(value, at: mark) }
      if frames.last?.isMapping == true, frames.last?.key == nil { throw Self.badKey(mark) }
      try add(value, at: mark)
    default: break
    }
  }

  private static func badKey(_ mark: YAMLMark) -> YAMLProblem {
    YAMLProblem(.refused, "a key must be a single value", at: mark, remedy: "write KEY: VALUE")
  }

  private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: $0) }
  }

  private mutating func open(_ frame: Frame) throws(YAMLProblem) {
    // A mapping or list as a key would have to be compared with all others.
    if frames.last?.isMapping == true, frames.last?.key == nil { throw Self.badKey(frame.mark) }
    guard frames.count < limits.depth else { throw tooDeep(frame.mark) }
    frames.append(frame)
  }

  private func tooDeep(_ mark: YAMLMark) -> YAMLProblem {
    YAMLProblem(
      .refused, "more than \(limits.depth) values are nested", at: mark, remedy: "write it flatter")
  }

  private mutating func close() throws(YAMLProblem) {
    guard let frame = frames.popLast() else { return }
    let value = YAMLValue(
      frame.isMapping ? .mapping(frame.counted) : .sequence(frame.elements), mark: frame.mark, tag: frame.tag)
    if let anchor = frame.anchor { anchors[anchor] = value }
    try add(value, at: frame.mark)
  }

  private mutating func add(_ value: YAMLValue, at mark: YAMLMark) throws(YAMLProblem) {
    written += 1
    if value.tag != nil, !limits.hasTags {
      throw YAMLProblem(
        .refused, "this value has a tag", at: value.mark,
        remedy: "remove the tag, which begins with an exclamation mark, or quote the value")
    }
    guard value.height + frames.count <= limits.depth else { throw tooDeep(mark) }
    let values = YAMLValue.sum(meant.values, value.size)
    let bytes = YAMLValue.sum(meant.bytes, value.bytes)
    guard values <= written + limits.copies, bytes <= mostBytes else {
      let excess =
        values > written + limits.copies ? "\(limits.copies) values" : "\(limits.copiedBytes >> 20) MiB of text"
      throw YAMLProblem(
        .refused, "its aliases make more than \(excess)", at: mark, remedy: "write fewer aliases of aliases")
    }
    guard let last = frames.indices.last else {
      meant = (values, bytes)
      return documents.append(value)
    }
    guard frames[last].isMapping else { return frames[last].elements.append(value) }
    guard let key = frames[last].key else {
      guard case .scalar(let text, let isPlain) = value.content else { throw Self.badKey(mark) }
      frames[last].key = (text, isPlain, mark)
      return
    }
    frames[last].key = nil
    if frames[last].places.updateValue(frames[last].entries.count, forKey: key.text) != nil {
      duplicates += 1
      guard duplicates <= limits.duplicates else {
        throw YAMLProblem(
          .refused, "more than \(limits.duplicates) keys appear twice in their mappings", at: key.mark,
          remedy: "keep one of each")
      }
    }
    frames[last].entries.append(
      YAMLValue.Entry(key: key.text, isPlain: key.isPlain, mark: key.mark, value: value, last: nil))
  }
}

extension YAMLMark {
  fileprivate init(_ mark: yaml_mark_t) { self.init(line: mark.line + 1, column: mark.column + 1) }
}
