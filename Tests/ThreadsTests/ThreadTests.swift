import Glibc
import Synchronization
import Testing

@testable import Threads

@Suite struct ThreadTests {
  @Test func itHasItsNameAndEndsWithItsWork() async throws {
    let name: String = await withCheckedContinuation { continuation in
      do throws(ThreadError) {
        try startThread("a-thread-of-own") {
          var text = [UInt8](repeating: 0, count: 64)
          let fd = open("/proc/thread-self/comm", O_RDONLY)
          let count = read(fd, &text, text.count)
          close(fd)
          continuation.resume(returning: String(decoding: text[..<max(count, 0)], as: UTF8.self))
        }
      } catch {
        continuation.resume(returning: "\(error)")
      }
    }
    #expect(name == "a-thread-of-own\n")
  }

  @Test func whatItHoldsGoesWithIt() async throws {
    final class Held: Sendable {}
    weak var seen: Held?
    let ran = Mutex(0)
    for _ in 0..<20 {
      let held = Held()
      seen = held
      await withCheckedContinuation { continuation in
        do {
          try startThread("holder", stackSize: 256 << 10) { withExtendedLifetime(held) { continuation.resume() } }
        } catch { continuation.resume() }
      }
      ran.withLock { $0 += 1 }
    }
    for _ in 0..<200 where seen != nil { try await Task.sleep(for: .milliseconds(5)) }
    #expect(seen == nil && ran.withLock { $0 } == 20)
  }

  @Test func aStackThatCannotBeHadIsAnErrorAndNothingRuns() {
    let error = #expect(throws: ThreadError.self) {
      try startThread("none", stackSize: 1 << 50) { Issue.record("it ran") }
    }
    #expect(error?.description.hasPrefix("no thread could be started: ") == true)
  }
}
