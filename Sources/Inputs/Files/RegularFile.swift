#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Reads files that others may have made: only regular ones, and no more than a limit, since a link to /dev/zero has no
/// end, and a FIFO never answers.
public enum RegularFile {
  /// The reason that a file is not read.
  public enum Failure: Error, Sendable, Hashable {
    case missing
    /// A directory, a device, a FIFO, a socket.
    case notRegular
    /// The file has more bytes than the limit.
    case tooLarge(limit: Int)
    /// A system call's error number.
    case system(Int32)
  }

  /// Reads a whole file. Symbolic links are followed.
  /// - Parameter limit: in bytes.
  public static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    try pieces(of: path, limit: limit) { bytes += $0 }
    return bytes
  }

  /// Reads a whole file as UTF-8. Invalid UTF-8 is replaced.
  /// - Parameter limit: in bytes.
  public static func text(_ path: String, limit: Int) throws(Failure) -> String {
    String(decoding: try read(path, limit: limit), as: UTF8.self)
  }

  /// Calls `body` with one piece of the file after the other.
  /// - Parameter limit: in bytes; nil reads to the file's end.
  public static func pieces(of path: String, limit: Int? = nil, _ body: (UnsafeRawBufferPointer) -> Void)
    throws(Failure)
  {
    // Opening a device may have an effect, so its kind is checked first.
    var status = stat()
    guard stat(path, &status) == 0 else { throw failure(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure(errno) }
    defer { close(descriptor) }
    guard fstat(descriptor, &status) == 0 else { throw failure(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
    if let limit, status.st_size > limit { throw .tooLarge(limit: limit) }
    var left = limit ?? .max
    let code = withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer -> Int32 in
      while true {
        let count = Self.read(descriptor, buffer)
        guard count > 0 else { return count < 0 ? errno : 0 }
        if count > left { return EFBIG }
        left -= count
        body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        // A short read of a file is its end.
        if count < buffer.count { return 0 }
      }
    }
    if code == EFBIG, let limit { throw .tooLarge(limit: limit) }
    if code != 0 { throw failure(code) }
  }

  private static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      #if canImport(Glibc)
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      #elseif canImport(Musl)
        let count = Musl.read(descriptor, buffer.baseAddress, buffer.count)
      #endif
      if count >= 0 || errno != EINTR { return count }
    }
  }

  private static func failure(_ code: Int32) -> Failure { code == ENOENT || code == ENOTDIR ? .missing : .system(code) }
}

extension RegularFile.Failure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missing: "it does not exist"
    case .notRegular: "it is no regular file"
    case .tooLarge(let limit): "it has more than \(limit >> 20) MiB"
    case .system(let code): String(cString: strerror(code)).lowercased()
    }
  }
}
