/// Limits of the data read from a server: one that sends without end, or a proxy before it, must not
/// take all memory or block a command forever.
public struct ReadLimits: Sendable, Hashable {
  /// Of one answer: bytes, unpacked.
  public var answer = 256 << 20
  /// Of a list's pages together: bytes, unpacked.
  public var list = 512 << 20
  /// Of one list.
  public var pages = 2000
  /// For all pages of a list.
  public var time = Duration.seconds(300)
  /// Of a watch: objects that exist at one time, and the memory that they take, in bytes.
  public var watchedObjects = 100_000
  public var watchedSize = 512 << 20

  public init() {}
}

/// The progress of reading a list.
struct ListReading {
  let limits: ReadLimits
  let start: ContinuousClock.Instant
  private var size = 0
  private var pages = 0
  private var token = ""

  init(limits: ReadLimits, start: ContinuousClock.Instant) {
    self.limits = limits
    self.start = start
  }

  /// Counts a page that another one follows.
  /// - Parameters:
  ///   - size: bytes.
  ///   - next: the token of the next page.
  /// - Returns: the reason not to ask for that one.
  mutating func problem(behindPageOf size: Int, next: String, now: ContinuousClock.Instant) -> String? {
    self.size += size
    pages += 1
    defer { token = next }
    if next == token { return "goes in a circle: page \(pages) leads to itself" }
    if self.size > limits.list { return "has more than \(limits.list >> 20) MiB" }
    if pages >= limits.pages { return "has more than \(limits.pages) pages" }
    return now - start > limits.time ? "does not end within \(limits.time)" : nil
  }
}
