/// Where a container mounts a volume, taken apart: a cluster's text that may become a path of the host only in this
/// form.
///
/// Kubernetes lets any text without a colon pass as `mountPath`; the kubelet puts a slash before a relative one, and
/// the runtime takes `..` away inside the container's root. Here a path with such a part is refused: nothing is mounted
/// there on purpose.
public struct MountPath: Hashable, Sendable {
  /// At least one; none is empty, `.` or `..`, none holds a slash or a NUL.
  public let parts: [String]

  /// NAME_MAX (limits.h).
  public static let mostBytesOfPart = 255
  /// What a stream's preamble carries.
  public static let mostBytes = 255

  /// - Throws: what is wrong with the text, to be put behind its name.
  public init(_ text: String) throws(Problem) {
    // By bytes: in a String, a slash and a combining mark behind it are one Character, and no slash.
    let pieces = text.utf8.split(separator: UInt8(ascii: "/"))
    guard !pieces.isEmpty else { throw .isRoot }
    guard !text.utf8.contains(0) else { throw .hasNUL }
    guard !pieces.contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }) else { throw .hasDots }
    guard pieces.allSatisfy({ $0.count <= Self.mostBytesOfPart }),
      pieces.reduce(0, { $0 + 1 + $1.count }) <= Self.mostBytes
    else { throw .isLong }
    parts = pieces.map { String(decoding: $0, as: UTF8.self) }
  }

  public var text: String { "/" + parts.joined(separator: "/") }

  /// Whether it is this path or lies below it.
  public func isWithin(_ other: MountPath) -> Bool { parts.starts(with: other.parts, by: Self.isSame) }

  public static func == (left: MountPath, right: MountPath) -> Bool {
    left.parts.elementsEqual(right.parts, by: isSame)
  }

  public func hash(into hasher: inout Hasher) {
    for part in parts {
      for byte in part.utf8 { hasher.combine(byte) }
      hasher.combine(UInt8(ascii: "/"))
    }
  }

  /// By bytes: two spellings of one letter are equal Strings, and two names for the kernel.
  private static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

  public enum Problem: Error, Hashable, Sendable {
    case isRoot, hasNUL, hasDots, isLong
    /// Where only an absolute path will do; never of a `mountPath`.
    case isRelative

    /// To be put behind the path's name.
    public var message: String {
      switch self {
      case .isRoot: "is the root itself"
      case .hasNUL: "has a NUL byte"
      case .hasDots: "has a part that is \".\" or \"..\""
      case .isRelative: "is not absolute"
      case .isLong: "has more than \(MountPath.mostBytes) bytes"
      }
    }
  }
}
