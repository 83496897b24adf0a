// Big-endian loads and stores on raw memory. The caller has checked the bounds.

extension UnsafeRawPointer {
  @inline(__always) public func loadBE16(_ offset: Int = 0) -> UInt16 {
    UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }
  @inline(__always) public func loadBE32(_ offset: Int = 0) -> UInt32 {
    UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
  @inline(__always) public func loadBE64(_ offset: Int = 0) -> UInt64 {
    UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
  @inline(__always) public func loadByte(_ offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }
}

extension UnsafeMutableRawPointer {
  @inline(__always) public func storeBE16(_ value: UInt16, _ offset: Int = 0) {
    storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
  }
  @inline(__always) public func storeBE32(_ value: UInt32, _ offset: Int = 0) {
    storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
  }
  @inline(__always) public func storeBE64(_ value: UInt64, _ offset: Int = 0) {
    storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt64.self)
  }
  @inline(__always) public func storeByte(_ value: UInt8, _ offset: Int) {
    storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
  }
}
