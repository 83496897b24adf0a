/// What may be read of a server at most: one that sends without end, or a proxy before it, must not take all memory or
/// hold a command up forever.
public struct ReadLimits: Sendable, Hashable {
  /// Of one answer: bytes, unpacked.
  public var answer = 256 << 20
  /// Of a list's pages together: bytes, unpacked.
  public var list = 512 << 20
  public var pages = 2000
  /// For all pages of a list.
  public var time = Duration.seconds(300)

  public init() {}
}

/// How far the reading of a list has come.
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

  /// Counts a page behind which another is to come.
  /// - Parameters:
  ///   - size: bytes.
  ///   - next: the token of the next page.
  /// - Returns: why that one is not asked for.
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
