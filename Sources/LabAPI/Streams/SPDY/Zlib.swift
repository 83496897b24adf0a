import CZlib

/// A zlib stream that is read piece by piece. Used by one owner at a time.
final class Inflater {
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  /// The dictionary that the other end may have compressed with (RFC 1950, FDICT); nil: none.
  private let dictionary: [UInt8]

  init(dictionary: [UInt8]) {
    self.dictionary = dictionary
    stream.initialize(to: z_stream())
    let result = czlib_inflate_init(stream)
    precondition(result == Z_OK, "zlib refuses to start: \(result)")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Decompresses one piece, which ends at a flush.
  /// - Returns: nil where the bytes are no zlib stream or give more than `limit` bytes.
  func inflated(_ input: [UInt8], limit: Int) -> [UInt8]? {
    var output: [UInt8] = []
    var input = input
    let isGood = input.withUnsafeMutableBufferPointer { source in
      stream.pointee.next_in = source.baseAddress
      stream.pointee.avail_in = UInt32(source.count)
      return run(into: &output, limit: limit)
    }
    stream.pointee.next_in = nil
    stream.pointee.avail_in = 0
    return isGood ? output : nil
  }

  private func run(into output: inout [UInt8], limit: Int) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 4096)
    while output.count <= limit {
      let (result, written) = chunk.withUnsafeMutableBufferPointer { target in
        stream.pointee.next_out = target.baseAddress
        stream.pointee.avail_out = UInt32(target.count)
        return (CZlib.inflate(stream, Z_SYNC_FLUSH), target.count - Int(stream.pointee.avail_out))
      }
      output += chunk[..<written]
      switch result {
      case Z_NEED_DICT:
        guard inflateSetDictionary(stream, dictionary, UInt32(dictionary.count)) == Z_OK else { return false }
      // Z_BUF_ERROR: nothing is left to do.
      case Z_OK, Z_STREAM_END, Z_BUF_ERROR:
        if written < chunk.count, stream.pointee.avail_in == 0 || result != Z_OK { return true }
      default: return false
      }
    }
    return false
  }
}

/// A zlib stream of stored blocks: nothing is compressed, and every reader takes it.
final class StoringDeflater {
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

  init() {
    stream.initialize(to: z_stream())
    let result = czlib_deflate_init(stream, 0)
    precondition(result == Z_OK, "zlib refuses to start: \(result)")
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// The next piece, flushed.
  func deflated(_ input: [UInt8]) -> [UInt8] {
    // Stored blocks hold up to 65,535 bytes with 5 of header; the stream's own header and the flush are small.
    var output = [UInt8](repeating: 0, count: input.count + (input.count / 16384 + 2) * 5 + 64)
    var input = input
    let written = input.withUnsafeMutableBufferPointer { source in
      output.withUnsafeMutableBufferPointer { target in
        stream.pointee.next_in = source.baseAddress
        stream.pointee.avail_in = UInt32(source.count)
        stream.pointee.next_out = target.baseAddress
        stream.pointee.avail_out = UInt32(target.count)
        let result = deflate(stream, Z_SYNC_FLUSH)
        precondition(result == Z_OK && stream.pointee.avail_out > 0, "zlib did not take a header block: \(result)")
        return target.count - Int(stream.pointee.avail_out)
      }
    }
    stream.pointee.next_in = nil
    stream.pointee.next_out = nil
    return Array(output[..<written])
  }
}
