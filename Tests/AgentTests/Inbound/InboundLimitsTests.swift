import Testing

@testable import Agent

struct InboundLimitsTests {
  @Test(
    "Derives the limits from the container's memory",
    arguments: [
      (0, 16_384, 48), (96 << 20, 2304, 36), (64 << 20, 1536, 24), (16 << 20, 384, 6), (1 << 20, 32, 1), (1, 32, 1),
      (1 << 40, 8192, 48),
      (UInt64.max, 8192, 48),
    ] as [(UInt64, Int, Int)])
  func memory(bytes: UInt64, connections: Int, mebibytes: Int) {
    let limits = InboundLimits(memory: bytes, openFiles: 0)
    #expect(limits.connections == connections && limits.bytes == mebibytes << 20)
    // All at their worst leave the program what it needs.
    if bytes >= 16 << 20, bytes < 1 << 40 {
      #expect(UInt64(limits.bytes + limits.connections * 16 << 10) <= bytes - min(24 << 20, bytes / 4))
    }
  }

  @Test(
    "Derives the limits from its descriptors",
    arguments: [(1024, 480), (64, 32), (1, 32), (1 << 20, 16_384), (.max, 16_384)] as [(UInt64, Int)])
  func descriptors(openFiles: UInt64, connections: Int) {
    #expect(InboundLimits(memory: 0, openFiles: openFiles).connections == connections)
  }

  @Test(
    "A cgroup's files",
    arguments: [
      ("max\n", 0), ("100663296\n", 96 << 20), ("9223372036854771712\n", 0), ("", 0), ("0\n", 0),
      ("99999999999999999999999999999999", 0), ("-1\n", 0),
    ] as [(String, UInt64)])
  func files(text: String, bytes: UInt64) {
    #expect(InboundLimits.parse(Array(text.utf8)) == bytes)
  }
}
