/// A container's mount path in parts. It is the cluster's text, which may become a path of the host only in this form.
///
/// Kubernetes accepts any text without a colon as `mountPath`; the kubelet puts a slash before a relative one, and the
/// runtime removes `..` inside the container's root. Here a path with such a part is refused: no one mounts there on
/// purpose.
public struct MountPath: Hashable, Sendable {
  /// At least one; none is empty, `.` or `..`, and none holds a slash or a NUL.
  public let parts: [String]

  /// NAME_MAX (limits.h).
  public static let mostBytesOfPart = 255
  /// The limit of a stream's preamble.
  public static let mostBytes = 255

  /// - Throws: the problem with the text, a phrase to follow its name.
  public init(_ text: String) throws(Problem) {
    // Split bytes: in a String, a slash and a following combining mark are one Character, which is no slash.
    let pieces = text.utf8.split(separator: UInt8(ascii: "/"))
    guard !pieces.isEmpty else { throw .isRoot }
    guard !text.utf8.contains(0) else { throw .hasNUL }
    guard !pieces.contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }) else { throw .hasDots }
    guard pieces.allSatisfy({ $0.count <= Self.mostBytesOfPart }),
      pieces.reduce(0, { $0 + 1 + $1.count }) <= Self.mostBytes
    else { throw .isLong }
    parts = pieces.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The absolute path, without repeated slashes.
  public var text: String { "/" + parts.joined(separator: "/") }

  /// Checks whether it is this path or lies below it.
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

  /// Compares bytes: two spellings of one letter are equal Strings, but two names for the kernel.
  private static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

  public enum Problem: Error, Hashable, Sendable {
    case isRoot, hasNUL, hasDots, isLong
    /// If only an absolute path will do; never of a `mountPath`.
    case isRelative

    /// A phrase to follow the path's name.
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
