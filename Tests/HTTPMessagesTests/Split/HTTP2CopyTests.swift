import Testing

@testable import HTTPMessages

/// One connection of copies by itself: a few bytes of HPACK may mean many, and all of a call's wait in it.
struct HTTP2CopyTests {
  private let driver = RecordedDriver()

  private func list(_ size: Int) -> HeaderList {
    let list = HeaderList()
    let start = list.bytes.count
    for text in ["x-fill", String(repeating: "x", count: size)] {
      Array(text.utf8).withUnsafeBytes { list.bytes.append($0) }
    }
    list.add(HeaderList.Field(start: start, nameCount: 6, valueCount: size, index: 0, isWhole: false, isSecret: false))
    return list
  }

  private func copy() -> HTTP2Copy {
    driver.copyRules = [11: "a"]
    return HTTP2Copy(way: 11, driver: driver)
  }

  @Test("Requests of one call with much in their heads are bounded")
  func heads() {
    let copy = copy()
    let list = list(12_000)
    for number in 0..<1000 as Range<UInt32> { copy.request(number * 2 + 1, list, isLast: true) }
    #expect(copy.size <= HTTP2Copy.holdLimit + 1024 * 128)
    #expect(driver.lostCopies[11]! >= 970)
  }

  @Test("Trailers that wait behind DATA are small, or their requests are lost")
  func trailers() {
    let copy = copy()
    let list = list(12_000)
    let body = [UInt8](repeating: 1, count: 70_000)
    // The first takes the connection's window, so the DATA of all others waits.
    for number in 0..<200 as Range<UInt32> {
      copy.request(number * 2 + 1, self.list(1), isLast: false)
      body.withUnsafeBytes {
        copy.data(number * 2 + 1, UnsafeRawBufferPointer(rebasing: $0[..<(number == 0 ? 70_000 : 1)]))
      }
      copy.trailers(number * 2 + 1, list)
    }
    #expect(driver.lostCopies[11] == 200)
  }

  @Test("Trailers of one call are bounded, too")
  func trailersAtOnce() {
    let copy = copy()
    let list = list(12_000)
    for number in 0..<1000 as Range<UInt32> {
      copy.request(number * 2 + 1, self.list(1), isLast: false)
      copy.trailers(number * 2 + 1, list)
    }
    #expect(copy.size <= HTTP2Copy.holdLimit + 2 * HTTP2Frame.size + 1024 * 128)
    #expect((driver.lostCopies[11] ?? 0) > 900)
  }
}
