/// A parser under fuzzing: a function of any bytes. It ends, takes little memory, and throws where the parser breaks a
/// promise.
struct Harness: Sendable {
  /// The name in `./install.sh fuzz --only NAME`, and of the folder of its corpus.
  let name: String
  /// Longer inputs find nothing that shorter ones do not, and take longer.
  var maximumLength = 4096
  /// Most mistakes need fewer bytes, and short inputs take little time: five of six are at most this long.
  var usualLength = 128
  /// Words of the format, for the mutations.
  var dictionary: [String] = []
  let run: @Sendable ([UInt8]) throws -> Void
}

/// A promise of a parser that an input has broken.
struct BrokenPromise: Error, CustomStringConvertible {
  let description: String
}

/// - Throws: `BrokenPromise` where the condition does not hold.
func promise(_ condition: Bool, _ message: @autoclosure () -> String) throws(BrokenPromise) {
  if !condition { throw BrokenPromise(description: message()) }
}

extension Harness {
  /// All parsers, in the order in which they are run.
  static let all: [Harness] = [
    .hello, .preamble, .datagrams, .yamux, .fileEntries, .agentDNS, .resolvConf, .http1Framing, .http1Split,
    .http1Copies, .http2Framing, .hpack, .http2Split, .http2Copies, .agentCopies, .dns,
    .socks, .httpProxy, .webSocket, .spdy, .execChannels, .httpResponse, .watch, .json, .jsonPatch, .labelSelector,
    .yaml, .kubeconfig, .skaffold,
    .template, .dockerfile, .ignore, .globs, .sshConfig, .knownHosts, .shellMessage, .shellPlan, .hostPlan,
    .controlLines, .har, .protobuf, .observer, .clientHello,
  ]
}

// MARK: Streams

/// Cuts bytes into pieces whose sizes follow from the bytes: 1 to 16, at times more.
func inPieces(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Bool) rethrows {
  var state = UInt64(truncatingIfNeeded: bytes.count) | 1
  for byte in bytes.prefix(16) { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
  try bytes.withUnsafeBytes { whole in
    var start = 0
    while start < whole.count {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let size = state >> 60 == 0 ? 1 + Int(state >> 40 & 0x3ff) : 1 + Int(state >> 56 & 0xf)
      let end = min(start + size, whole.count)
      guard try body(UnsafeRawBufferPointer(rebasing: whole[start..<end])) else { return }
      start = end
    }
  }
}

/// The size of pieces for an input that is read several times: single bytes cost most.
func pieceSize(_ bytes: [UInt8]) -> Int { [1, 2, 3, 4, 5, 8, 13, 40][bytes.count & 7] }

/// The events of a stream's parser, without the borders between pieces of payload.
struct Trace: Equatable {
  /// One event behind the other, each as the count of its numbers and these. A payload's are -1, its tag, count and
  /// hash.
  private var numbers: [Int] = []
  /// The place of the last event, if that is a payload.
  private var payload: Int?

  mutating func event(_ tag: Int, _ number: Int = 0) { add([tag, number]) }
  mutating func event(_ tag: Int, _ text: String) { event(tag, Array(text.utf8)) }

  mutating func event(_ tag: Int, _ bytes: [UInt8]) {
    add([tag])
    add(bytes)
  }

  private mutating func add(_ values: some Collection<some BinaryInteger>) {
    payload = nil
    numbers.append(values.count)
    for value in values { numbers.append(Int(value)) }
  }

  mutating func payload(_ tag: Int, _ bytes: UnsafeRawBufferPointer) {
    if payload.map({ numbers[$0 + 1] != tag }) ?? true {
      payload = numbers.count
      numbers += [-1, tag, 0, 0x2325]
    }
    let last = numbers.count - 1
    var hash = numbers[last]
    for byte in bytes { hash = (hash ^ Int(byte)) &* 0x100_0000_01b3 }
    numbers[last] = hash
    numbers[last - 1] += bytes.count
  }
}

/// Reads a stream whole and in pieces, and compares the events.
/// - Parameter read: adds the bytes' events to the trace; false ends the reading.
func samePieces<Parser: ~Copyable>(
  _ bytes: [UInt8], _ parser: () -> Parser, _ read: (inout Parser, UnsafeRawBufferPointer, inout Trace) throws -> Bool
) throws {
  var (whole, split) = (Trace(), Trace())
  var first = parser()
  try bytes.withUnsafeBytes { if !$0.isEmpty { _ = try read(&first, $0, &whole) } }
  var second = parser()
  try inPieces(bytes) { try read(&second, $0, &split) }
  try promise(whole == split, "in pieces it means something else:\n\(whole)\n\(split)")
}

// MARK: Inputs

/// Takes numbers off the front of an input, zeros once it is used up.
struct Choices {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  var isOver: Bool { rest.isEmpty }
  mutating func byte() -> Int { Int(rest.popFirst() ?? 0) }
  mutating func word() -> Int { byte() << 8 | byte() }
  var remaining: [UInt8] { Array(rest) }
}

/// Checks if bytes have a word of small letters and signs, in letters of any size. Characters are no help: a header's
/// value may begin with a sign that joins the colon before it.
func mentions(_ bytes: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
  let count = word.utf8CodeUnitCount
  guard bytes.count >= count else { return false }
  for start in 0...(bytes.count - count) {
    var index = 0
    while index < count, bytes[start + index] | 0x20 == word.utf8Start[index] { index += 1 }
    if index == count { return true }
  }
  return false
}

/// The two halves of an input, at the first line of `---`.
func halves(_ bytes: [UInt8]) -> (String, String) {
  let mark = Array("\n---\n".utf8)
  for start in bytes.indices where bytes[start] == mark[0] && bytes[start...].starts(with: mark) {
    return (
      String(decoding: bytes[..<start], as: UTF8.self), String(decoding: bytes[(start + mark.count)...], as: UTF8.self)
    )
  }
  return (String(decoding: bytes, as: UTF8.self), "")
}
