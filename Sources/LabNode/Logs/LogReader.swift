import Glibc
import LabStore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Reads a container's log file as `pods/log` asks for it.
struct LogReader: Sendable {
  let path: String
  /// The log while it is still being written, to follow.
  let live: ContainerLog?
  let options: LogOptions

  /// Raw bytes; the file is read in pieces and only as fast as the reader takes them, so that a long log costs no more
  /// memory than a short one.
  func stream() -> AsyncThrowingStream<[UInt8], any Error> {
    let cursor = LogCursor(self)
    return AsyncThrowingStream { await cursor.next() }
  }
}

/// A reader's position in a log file.
private actor LogCursor {
  private let file: Int32
  private var lines: LogLines
  private var changes: AsyncStream<Void>.AsyncIterator?
  private var isLastRead = false

  init(_ reader: LogReader) {
    file = open(reader.path, O_RDONLY | O_CLOEXEC)
    lines = LogLines(reader.options)
    if file >= 0, let tail = reader.options.tailLines { lseek(file, LogTail.offset(of: tail, in: file), SEEK_SET) }
    // Changes are asked for before the first read: what is written in between then wakes the follower.
    changes = reader.options.follow ? reader.live?.changes().makeAsyncIterator() : nil
  }

  deinit { if file >= 0 { close(file) } }

  /// The next bytes; nil at the end, which a follower reaches with the log's.
  func next() async -> [UInt8]? {
    while file >= 0, !lines.isFull, !Task.isCancelled {
      let chunk = [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
        count = max(0, Glibc.read(file, buffer.baseAddress, buffer.count))
      }
      let output = chunk.isEmpty ? [] : lines.feed(chunk)
      if !output.isEmpty { return output }
      guard chunk.isEmpty else { continue }
      // Read once more after the log's end, for bytes that were written just before it.
      guard !isLastRead, var waiting = changes else { return nil }
      isLastRead = await waiting.next(isolation: self) == nil
      changes = waiting
    }
    return nil
  }
}

/// Turns lines of the log format into what the reader asked for.
struct LogLines: Sendable {
  private let options: LogOptions
  private let oldest: Int?
  private var pending: [UInt8] = []
  private var bytesLeft: Int
  private var isContinuing = false
  /// True if `limitBytes` has been reached.
  var isFull: Bool { bytesLeft <= 0 }

  init(_ options: LogOptions) {
    self.options = options
    oldest =
      options.sinceSeconds.map { Int(time(nil)) - min(max(0, $0), Int(Int32.max)) }
      ?? options.sinceTime.flatMap { Timestamp.seconds($0) }
    bytesLeft = max(0, options.limitBytes ?? .max)
  }

  mutating func feed(_ chunk: [UInt8]) -> [UInt8] {
    pending += chunk
    var output: [UInt8] = []
    var start = 0
    while let end = pending[start...].firstIndex(of: 10) {
      output += text(of: pending[start..<end])
      start = end + 1
    }
    pending.removeFirst(start)
    output = Array(output.prefix(bytesLeft))
    bytesLeft -= output.count
    return output
  }

  private mutating func text(of line: ArraySlice<UInt8>) -> [UInt8] {
    let fields = line.split(separator: 32, maxSplits: 3, omittingEmptySubsequences: false)
    guard fields.count == 4 else { return [] }
    let stamp = String(decoding: fields[0], as: UTF8.self)
    if let oldest, let seconds = Timestamp.seconds(stamp), seconds < oldest { return [] }
    let isPartial = fields[2].first == UInt8(ascii: "P")
    defer { isContinuing = isPartial }
    let prefix = options.timestamps && !isContinuing ? Array(fields[0]) + [32] : []
    return prefix + fields[3] + (isPartial ? [] : [10])
  }
}

/// Finds where the last lines of a file begin.
enum LogTail {
  static func offset(of lines: Int, in file: Int32) -> Int {
    let size = Int(lseek(file, 0, SEEK_END))
    guard lines > 0 else { return size }
    var (position, found) = (size, 0)
    let step = 64 * 1024
    while position > 0 {
      let start = max(0, position - step)
      let block = [UInt8](unsafeUninitializedCapacity: position - start) { buffer, count in
        count = max(0, pread(file, buffer.baseAddress, buffer.count, start))
      }
      for index in block.indices.reversed() where block[index] == 10 && start + index != size - 1 {
        found += 1
        if found == lines { return start + index + 1 }
      }
      position = start
    }
    return 0
  }
}
