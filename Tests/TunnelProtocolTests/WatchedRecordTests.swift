import Testing

@testable import TunnelProtocol

@Suite struct WatchedRecordTests {
  private func record(_ method: String, _ target: String) -> (WatchedRecord, [UInt8]) {
    let record = WatchedRecord(
      holder: 0x0102_0304_0506_0708, duration: 1234, up: 5, down: .max, status: 404, grpcStatus: 255, isHTTP2: true,
      method: Array(method.utf8), target: Array(target.utf8))
    var bytes = [UInt8](repeating: 0, count: WatchedRecord.headSize)
    bytes.withUnsafeMutableBytes {
      WatchedRecord.writeHead(
        to: $0.baseAddress!, holder: record.holder, duration: 1234, up: 5, down: .max, status: 404, grpcStatus: 255,
        isHTTP2: true, method: record.method.count, text: record.method.count + record.target.count)
    }
    return (record, bytes + record.method + record.target)
  }

  @Test(arguments: [1, 2, 7, 1000]) func recordsComeAsTheyWereWritten(piece: Int) {
    let (one, first) = record("GET", "/a?b=c")
    let (two, second) = record("", String(repeating: "x", count: 1024))
    let bytes = first + [0, 0, 0, 0, 0, 0, 1, 2] + second
    var reader = WatchedRecordReader()
    var events: [WatchedRecordReader.Event] = []
    var start = 0
    while start < bytes.count {
      let end = min(start + piece, bytes.count)
      events += Array(bytes[start..<end]).withUnsafeBytes { reader.take($0) }
      start = end
    }
    #expect(events == [.record(one), .dropped(258), .record(two)])
  }

  @Test(
    arguments: [
      [0, 5, 1, 2, 3, 4, 5], [255, 255], [0, 0, 0, 1, 0, 0, 0, 0],
      [0, 37] + [UInt8](repeating: 0, count: 36) + [9],
    ] as [[UInt8]]) func aWrongRecordIsTheLast(bytes: [UInt8])
  {
    var reader = WatchedRecordReader()
    #expect(bytes.withUnsafeBytes { reader.take($0) } == [.failed])
    #expect(record("GET", "/").1.withUnsafeBytes { reader.take($0) }.isEmpty)
  }
}
