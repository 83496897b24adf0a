import TunnelProtocol

extension Harness {
  static let fileEntries = Harness(name: "file-entries") { bytes in
    let limit: UInt64 = 1 << 20
    try samePieces(bytes, { FileEntryReader(maximumBytes: limit) }) { reader, piece, trace in
      var rest = piece
      do {
        while let event = try reader.next(&rest) {
          switch event {
          case .entry(let entry):
            trace.event(1, entry.name)
            trace.event(Int(entry.kind.rawValue), entry.target)
            try inside(entry.name, isFirst: reader.entryCount == 1)
          case .data(let data): trace.payload(2, data)
          case .end: trace.event(3)
          }
        }
      } catch let violation as FileEntryReader.Violation {
        trace.event(4, violation.message)
        return false
      }
      try promise(
        reader.totalBytes <= limit && reader.entryCount <= FileEntryHead.maximumEntries, "the limits do not hold")
      return true
    }
  }

  /// A name is inside the tree.
  private static func inside(_ name: [UInt8], isFirst: Bool) throws {
    if name.isEmpty { return try promise(isFirst, "an entry without a name") }
    let parts = name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    try promise(
      !parts.contains { $0.isEmpty || $0.elementsEqual([46]) || $0.elementsEqual([46, 46]) || $0.contains(0) },
      "a name that leads out")
  }
}
