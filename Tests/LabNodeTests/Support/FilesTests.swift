import Testing

@testable import LabNode

@Suite struct FilesTests {
  /// The kernel gives such files a page at a time, and no size.
  @Test func filesOfProcAreReadToTheirEnd() throws {
    let maps = try #require(Files.readText("/proc/self/smaps"))
    #expect(maps.utf8.count > 3 * 4096 && maps.hasSuffix("\n"))
    #expect(maps.contains("[stack]"))
  }

  @Test func anAbsentFileIsNil() { #expect(Files.read("/proc/self/nothing") == nil) }
}
