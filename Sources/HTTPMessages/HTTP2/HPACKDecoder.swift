/// Decodes the header blocks of one direction of a connection (RFC 7541).
final class HPACKDecoder {
  /// Bytes that the block at hand has taken from the table.
  private var copied = 0
  private static let mostCopied = 16 * HeaderList.limit
  private let table = HPACKTable()
  /// The largest table that the sender may ask for.
  var limit = 4096
  /// The smallest and the last table size that the block began with; -1 without.
  private(set) var leastSize = -1
  private(set) var lastSize = -1

  /// Decodes a block. The list has its fields, or none if they are too many.
  /// - Returns: false if the block is no valid one: the connection has to end then.
  func decode(_ block: UnsafeRawBufferPointer, into list: HeaderList) -> Bool {
    list.clear()
    leastSize = -1
    lastSize = -1
    copied = 0
    var cursor = HPACKCursor(block)
    var isFirst = true
    while let byte = cursor.peek {
      if byte & 0xe0 == 0x20 {
        guard isFirst, resize(cursor.integer(5)) else { return false }
        continue
      }
      isFirst = false
      if list.isTooLong { list.bytes.clear() }
      if byte & 0x80 != 0 {
        guard indexed(cursor.integer(7), list) else { return false }
      } else if byte & 0x40 != 0 {
        guard let field = literal(cursor.integer(6), &cursor, list) else { return false }
        table.insert(field, list.bytes.part(field.start, field.count))
        list.add(field)
      } else {
        guard var field = literal(cursor.integer(4), &cursor, list) else { return false }
        field.isSecret = byte & 0x10 != 0
        list.add(field)
      }
    }
    return true
  }

  /// Counts bytes that a block takes from the table: each byte of it may take a whole entry.
  private func mayCopy(_ count: Int) -> Bool {
    copied += count
    return copied <= Self.mostCopied
  }

  private func resize(_ size: Int) -> Bool {
    guard size >= 0, size <= limit else { return false }
    table.resize(size)
    leastSize = leastSize < 0 ? size : min(leastSize, size)
    lastSize = size
    return true
  }

  private func indexed(_ index: Int, _ list: HeaderList) -> Bool {
    guard index > 0 else { return false }
    let start = list.bytes.count
    if index <= HPACKStaticTable.count {
      let name = HPACKStaticTable.name(index)
      let value = HPACKStaticTable.value(index)
      list.bytes.append(name)
      list.bytes.append(value)
      list.add(
        HeaderList.Field(
          start: start, nameCount: name.count, valueCount: value.count, index: UInt8(truncatingIfNeeded: index),
          isWhole: true))
      return true
    }
    guard var field = table.entry(index - HPACKStaticTable.count - 1) else { return false }
    guard mayCopy(field.count) else { return false }
    list.bytes.append(table.text(field))
    field.start = start
    list.add(field)
    return true
  }

  /// Reads the texts of a field whose name has an index, or is a text for 0.
  private func literal(_ index: Int, _ cursor: inout HPACKCursor, _ list: HeaderList) -> HeaderList.Field? {
    guard index >= 0 else { return nil }
    var field = HeaderList.Field(start: list.bytes.count, nameCount: 0, valueCount: 0)
    if index == 0 {
      field.nameCount = cursor.string(into: list.bytes)
      guard field.nameCount >= 0 else { return nil }
    } else if index <= HPACKStaticTable.count {
      let name = HPACKStaticTable.name(index)
      list.bytes.append(name)
      field.nameCount = name.count
      field.index = UInt8(truncatingIfNeeded: index)
    } else {
      guard let entry = table.entry(index - HPACKStaticTable.count - 1), mayCopy(entry.nameCount) else { return nil }
      list.bytes.append(table.text(entry).first(entry.nameCount))
      field.nameCount = entry.nameCount
      field.index = entry.index
    }
    field.valueCount = cursor.string(into: list.bytes)
    return field.valueCount < 0 ? nil : field
  }
}

/// A place in a header block.
struct HPACKCursor {
  private var rest: UnsafeRawBufferPointer

  init(_ block: UnsafeRawBufferPointer) { rest = block }

  var peek: UInt8? { rest.first }

  /// Reads an integer behind the upper bits of a byte (RFC 7541, section 5.1); -1 if there is none or it is huge.
  mutating func integer(_ bits: Int) -> Int {
    guard let first = rest.first else { return -1 }
    rest = rest.behind(1)
    let most = 1 << bits - 1
    var value = Int(first) & most
    if value < most { return value }
    var shift = 0
    while let byte = rest.first, shift <= 21 {
      rest = rest.behind(1)
      value += Int(byte & 0x7f) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
    return -1
  }

  /// Adds a text (section 5.2) to the bytes.
  /// - Returns: the count of its bytes, -1 if it is none.
  mutating func string(into bytes: RawBytes) -> Int {
    guard let first = peek else { return -1 }
    let count = integer(7)
    guard count >= 0, count <= rest.count else { return -1 }
    let text = rest.first(count)
    rest = rest.behind(count)
    if first & 0x80 != 0 { return Huffman.decode(text, into: bytes) }
    bytes.append(text)
    return count
  }
}
