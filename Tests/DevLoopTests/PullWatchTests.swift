import Testing

@testable import DevLoop

@Suite struct PullWatchTests {
  private let start = ContinuousClock.now

  @Test(
    "A base image of which nothing comes is reported once, after 10 s",
    arguments: [
      "Trying to pull registry.example/base:1...",
      "#2 [internal] load metadata for registry.example/base:1",
    ])
  func silence(line: String) {
    var watch = PullWatch()
    #expect(watch.take("STEP 1/2: FROM registry.example/base:1", of: "app", at: start) == nil)
    #expect(watch.take(line, of: "app", at: start) == nil)
    #expect(watch.take("RUN true", of: "other", at: start) == nil)
    #expect(watch.overdue(at: start + .seconds(9)).isEmpty)
    #expect(
      watch.overdue(at: start + .seconds(10)) == [
        "app: nothing has come of the base image registry.example/base:1 for 10 s: its registry may be out of reach"
      ])
    #expect(watch.overdue(at: start + .seconds(20)).isEmpty)
  }

  @Test("A pull that goes on is not reported, however long the next step takes")
  func progress() {
    var watch = PullWatch()
    _ = watch.take("Trying to pull registry.example/base:1...", of: "app", at: start)
    _ = watch.take("Getting image source signatures", of: "app", at: start + .seconds(1))
    #expect(watch.overdue(at: start + .seconds(100)).isEmpty)
  }

  @Test("A pull that failed and is tried again is reported at once, in the builder's words")
  func retries() {
    var watch = PullWatch()
    let line = "time=\"…\" level=warning msg=\"Failed, retrying in 2s ... (1/3). Error: pinging: connection refused\""
    #expect(
      watch.take(line, of: "app", at: start)
        == "app: a base image cannot be pulled, and is tried again: pinging: connection refused")
  }
}
