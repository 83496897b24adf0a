@testable import ControlAPI

extension Harness {
  static let controlLines = Harness(name: "control-lines", maximumLength: 1024) { bytes in
    var whole = LineSplitter(limit: 64)
    guard let lines = try? whole.take(bytes) else { return }
    var split = LineSplitter(limit: 64)
    var collected: [[UInt8]] = []
    try inPieces(bytes) {
      collected += try split.take(Array($0))
      return true
    }
    try promise(lines == collected, "in pieces the lines are others")
    try promise(lines.allSatisfy { !$0.isEmpty && $0.count <= 64 && !$0.contains(10) }, "a line that is none")
  }
}
