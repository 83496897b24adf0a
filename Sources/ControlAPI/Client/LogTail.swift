#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Reads the end of a log file.
public struct LogTail: Sendable {
  public let path: String

  public init(path: String) { self.path = path }

  /// The size in bytes; 0 if there is no file.
  public var size: Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// A number that changes when the file is rotated away; nil if there is no file.
  public var identity: UInt64? {
    var status = stat()
    return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
  }

  /// Reads the bytes from `offset` to the end; nil if the file cannot be read.
  public func read(from offset: Int) -> [UInt8]? {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { close(fd) }
    guard lseek(fd, off_t(offset), SEEK_SET) >= 0 else { return nil }
    var bytes: [UInt8] = []
    while true {
      var got = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
        got = systemRead(fd, buffer.baseAddress, buffer.count)
        count = max(0, got)
      }
      guard got > 0 else { return bytes }
      bytes += chunk
    }
  }

  /// Returns the last lines between two offsets; a nil `end` is the file's end.
  public func lastLines(_ count: Int, from offset: Int = 0, upTo end: Int? = nil) -> [String] {
    guard count > 0, let bytes = read(from: offset) else { return [] }
    return bytes.prefix(end.map { max(0, $0 - offset) } ?? bytes.count).split(separator: UInt8(ascii: "\n")).suffix(
      count
    ).map {
      String(decoding: $0, as: UTF8.self)
    }
  }
}

// `LogTail.read` hides the system call's name.
private func systemRead(_ fd: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(fd, buffer, count)
}
