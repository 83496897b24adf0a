import Testing

@testable import TunnelProtocol

/// One stream over a simulated line: 400 MB/s, 100 ms there and back, both ends with endless work and an idle reader.
@Suite struct LongLineTests {
  private static let frame = 64 << 10
  private static let bytesPerMicrosecond = 400
  private static let oneWay: UInt64 = 50_000

  private struct Flight {
    let arrival: UInt64
    let bytes: [UInt8]
  }

  /// Bytes that arrive in each simulated second.
  private func run(seconds: Int) throws -> [Int] {
    let sender = YamuxSession(role: .client, pool: WindowPool(), now: 0)
    let receiver = YamuxSession(role: .server, pool: WindowPool(), now: 0)
    let slot = try #require(sender.open(now: 0))
    var now: UInt64 = 0
    var there: [Flight] = []
    var back: [Flight] = []
    var thereHead = 0
    var backHead = 0
    var arrived = [Int](repeating: 0, count: seconds)
    receiver.ping(now: now)
    let step = UInt64(Self.frame / Self.bytesPerMicrosecond)
    var buffer = [UInt8](repeating: 0, count: Self.frame + 4096)

    func control(_ end: YamuxSession) -> [UInt8] {
      let count = buffer.withUnsafeMutableBytes { end.writeControl(to: $0.baseAddress!, capacity: 4096, now: now) }
      return Array(buffer[..<count])
    }
    func feed(_ end: YamuxSession, _ bytes: [UInt8]) -> Int {
      var taken = 0
      bytes.withUnsafeBytes { raw in
        var input = raw
        while let event = end.next(&input, now: now) {
          guard case .data(let slot, let data) = event else { continue }
          taken += data.count
          end.consume(slot, data.count, now: now)
        }
      }
      return taken
    }

    while now < UInt64(seconds) * 1_000_000 {
      var out = control(sender)
      let count = min(sender.sendCredit(slot), Self.frame)
      if count > 0 {
        let start = out.count
        out += [UInt8](repeating: 0, count: FrameHeader.size + count)
        out.withUnsafeMutableBytes { sender.writeDataHeader(slot, count: count, to: $0.baseAddress! + start) }
      }
      if !out.isEmpty { there.append(Flight(arrival: now + Self.oneWay, bytes: out)) }
      while thereHead < there.count, there[thereHead].arrival <= now {
        arrived[Int(now / 1_000_000)] += feed(receiver, there[thereHead].bytes)
        there[thereHead] = Flight(arrival: 0, bytes: [])
        thereHead += 1
      }
      let answer = control(receiver)
      if !answer.isEmpty { back.append(Flight(arrival: now + Self.oneWay, bytes: answer)) }
      while backHead < back.count, back[backHead].arrival <= now {
        _ = feed(sender, back[backHead].bytes)
        backHead += 1
      }
      now += step
    }
    return arrived
  }

  @Test func oneStreamFillsIt() throws {
    let arrived = try run(seconds: 4)
    #expect(arrived[3] > 260_000_000, "three quarters of the largest window in each round trip")
    #expect(arrived[0] > 130_000_000, "the window has grown within some round trips: \(arrived)")
  }
}
