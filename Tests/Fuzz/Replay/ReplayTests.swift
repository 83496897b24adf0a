import Foundation
import Testing

/// Runs the harnesses' inputs, every input that ever broke one among them, without a fuzzer.
struct ReplayTests {
  static let corpus = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Corpus").standardized

  /// Seconds of CPU time for an input, in a debug build: those that once hung took minutes.
  private static let longest = 2.0

  static func inputs(_ name: String) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: corpus.appending(path: name), includingPropertiesForKeys: nil)
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
  }

  @Test("Each input keeps what its parser promises, in time", arguments: Harness.all.map(\.name))
  func replay(name: String) throws {
    let harness = try #require(Harness.all.first { $0.name == name })
    for file in try Self.inputs(name) {
      let bytes = Array(try Data(contentsOf: file))
      let start = Self.cpuTime()
      do { try harness.run(bytes) } catch { Issue.record("\(name)/\(file.lastPathComponent): \(error)") }
      let taken = Self.cpuTime() - start
      #expect(taken < Self.longest, "\(name)/\(file.lastPathComponent) took \(taken) s of CPU time")
    }
    try harness.run([])
    for word in harness.dictionary { try harness.run(Array(word.utf8)) }
  }

  @Test("Every harness has inputs to begin with, and every folder of inputs its harness")
  func folders() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path)
    #expect(folders.sorted() == Harness.all.map(\.name).sorted())
    #expect(Set(folders).count == Harness.all.count)
    for name in folders { #expect(try !Self.inputs(name).isEmpty, "\(name)") }
  }

  private static func cpuTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  // MARK: The harnesses' own tools

  @Test("Pieces are all of the bytes, in order, and of several sizes")
  func pieces() {
    let bytes = (0..<2000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    var collected: [UInt8] = []
    var sizes: Set<Int> = []
    inPieces(bytes) {
      collected += $0
      sizes.insert($0.count)
      return true
    }
    #expect(collected == bytes)
    #expect(sizes.count > 5)
  }

  @Test("A parser that reads pieces otherwise breaks its promise")
  func unequalPieces() {
    struct Counter { var pieces = 0 }
    #expect(throws: BrokenPromise.self) {
      try samePieces([UInt8](repeating: 1, count: 500), Counter.init) { counter, _, trace in
        counter.pieces += 1
        trace.event(counter.pieces)
        return true
      }
    }
    #expect(throws: Never.self) {
      try samePieces([UInt8](repeating: 1, count: 500), Counter.init) { _, piece, trace in
        trace.payload(1, piece)
        return true
      }
    }
  }
}
