/// The fields of a header block, in order. Their texts lie behind one another.
final class HeaderList {
  struct Field {
    /// The place of the name; the value lies behind it.
    var start: Int
    var nameCount: Int
    var valueCount: Int
    /// The name's index in the static table, or 0.
    var index: UInt8 = 0
    /// True if the static table has the value as well.
    var isWhole = false
    /// True if no table on the way may keep it (RFC 7541, section 7.1.3).
    var isSecret = false

    var count: Int { nameCount + valueCount }
    /// The size that RFC 7541, section 4.1 gives it.
    var size: Int { count + 32 }
  }

  let bytes = RawBytes()
  private(set) var fields: [Field] = []
  private var size = 0
  /// True if there are more fields than are kept: none is left then.
  private(set) var isTooLong = false
  /// The largest size of a list that is kept.
  static let limit = 65536

  func clear() {
    bytes.clear()
    fields.removeAll(keepingCapacity: fields.count <= 64)
    size = 0
    isTooLong = false
  }

  func name(_ field: Field) -> UnsafeRawBufferPointer { bytes.part(field.start, field.nameCount) }
  func value(_ field: Field) -> UnsafeRawBufferPointer {
    bytes.part(field.start + field.nameCount, field.valueCount)
  }

  /// Takes a field whose texts are the last bytes.
  func add(_ field: Field) {
    size += field.size
    if size > Self.limit || isTooLong {
      isTooLong = true
      size = 0
      bytes.clear()
      fields.removeAll()
    } else {
      fields.append(field)
    }
  }
}
