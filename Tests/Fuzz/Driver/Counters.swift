import Glibc

// Each input costs a look at every counter that libFuzzer knows. A parser has some thousands of the program's two
// hundred thousand, so that libFuzzer gets the counters of those source files alone that the parser's seeds reach. The
// linker (`--wrap`) brings the code's registrations here, and its map says where each file's counters begin.

@_silgen_name("__real___sanitizer_cov_8bit_counters_init")
private func registerCounters(_ start: UnsafeMutablePointer<UInt8>, _ end: UnsafeMutablePointer<UInt8>)

@_silgen_name("__real___sanitizer_cov_pcs_init")
private func registerPlaces(_ start: UnsafePointer<UInt>, _ end: UnsafePointer<UInt>)

@_cdecl("__wrap___sanitizer_cov_8bit_counters_init")
func takeCounters(_ start: UnsafeMutablePointer<UInt8>, _ end: UnsafeMutablePointer<UInt8>) {
  (Counters.start, Counters.count) = (start, end - start)
}

@_cdecl("__wrap___sanitizer_cov_pcs_init")
func takePlaces(_ start: UnsafePointer<UInt>, _ end: UnsafePointer<UInt>) { Counters.places = start }

/// The counters of the whole program, one behind the other.
enum Counters {
  nonisolated(unsafe) fileprivate static var start: UnsafeMutablePointer<UInt8>?
  nonisolated(unsafe) fileprivate static var count = 0
  /// Two words for each counter.
  nonisolated(unsafe) fileprivate static var places: UnsafePointer<UInt>?

  /// Gives libFuzzer the counters of those source files that the inputs reach.
  /// - Parameter map: the address of each file's first counter, a line for each, in order; without them all count.
  static func register(map: String, reachedBy inputs: () -> Void) {
    guard let start, let places else { return }
    start.update(repeating: 0, count: count)
    inputs()
    for range in files(map) where range.contains(where: { start[$0] != 0 }) {
      registerCounters(start + range.lowerBound, start + range.upperBound)
      registerPlaces(places + 2 * range.lowerBound, places + 2 * range.upperBound)
    }
  }

  private static func files(_ map: String) -> [Range<Int>] {
    let addresses = map.split(separator: "\n").compactMap { Int($0.dropFirst(2), radix: 16) }
    guard let first = addresses.first else { return [0..<count] }
    let starts = addresses.map { $0 - first }
    guard starts == starts.sorted(), starts[starts.count - 1] < count else { return [0..<count] }
    return zip(starts, starts.dropFirst() + [count]).map { $0..<$1 }
  }
}
