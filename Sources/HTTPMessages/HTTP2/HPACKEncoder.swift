/// Encodes header blocks without the dynamic table: a block means the same to any decoder at any time.
enum HPACKEncoder {
  static func encode(_ list: HeaderList, into out: RawBytes) {
    for field in list.fields {
      if field.isWhole {
        out.append(0x80 | field.index)
        continue
      }
      integer(Int(field.index), 4, field.isSecret ? 0x10 : 0, into: out)
      if field.index == 0 { string(list.name(field), into: out) }
      string(list.value(field), into: out)
    }
  }

  /// Writes the change of the table's size that a decoder waits for at the beginning of a block.
  static func tableSize(_ size: Int, into out: RawBytes) { integer(size, 5, 0x20, into: out) }

  private static func string(_ text: UnsafeRawBufferPointer, into out: RawBytes) {
    integer(text.count, 7, 0, into: out)
    out.append(text)
  }

  private static func integer(_ value: Int, _ bits: Int, _ flags: UInt8, into out: RawBytes) {
    let most = 1 << bits - 1
    guard value >= most else { return out.append(flags | UInt8(truncatingIfNeeded: value)) }
    out.append(flags | UInt8(truncatingIfNeeded: most))
    var rest = value - most
    while rest >= 0x80 {
      out.append(UInt8(truncatingIfNeeded: rest & 0x7f | 0x80))
      rest >>= 7
    }
    out.append(UInt8(truncatingIfNeeded: rest))
  }
}
