import KubeObjects
import LabStore

/// Hands out the addresses of Services, each to one.
actor ServiceAddresses {
  private let base: IPv4
  private let size: UInt32
  private var taken: Set<IPv4>
  private var next: UInt32 = 2

  /// The range's first address, that of the Service `kubernetes`.
  nonisolated let first: IPv4

  /// - Throws: `LabError` for what is no CIDR of a usable size.
  init(cidr: String) throws {
    let parts = cidr.split(separator: "/")
    guard parts.count == 2, let address = IPv4(String(parts[0])), let bits = UInt32(parts[1]), (8...28).contains(bits)
    else {
      throw LabError(.listen, "the Service range \(cidr) is not of the form 10.98.0.0/16 with 8 to 28 bits")
    }
    size = 1 << (32 - bits)
    base = IPv4(address.number & ~(size - 1))
    first = IPv4(base.number + 1)
    taken = [first]
  }

  /// An address that no Service has. Free ones are given in turn, so that one that was just released rests.
  /// - Throws: `StatusError` where the range is used up.
  func allocate() throws -> String {
    for _ in 0..<size {
      let address = IPv4(base.number + next)
      next = next + 2 < size ? next + 1 : 2
      if taken.insert(address).inserted { return address.description }
    }
    throw StatusError.internalError("failed to allocate IP: range is full")
  }

  /// Takes the address that a Service asks for.
  /// - Returns: whether it is in the range and free.
  func take(_ text: String) -> Bool {
    guard let address = IPv4(text), address.number > base.number, address.number < base.number + size - 1 else {
      return false
    }
    return taken.insert(address).inserted
  }

  func release(_ text: String) {
    guard let address = IPv4(text), address != first else { return }
    taken.remove(address)
  }
}

/// An IPv4 address as a number.
struct IPv4: Hashable, Sendable, CustomStringConvertible {
  var number: UInt32

  init(_ number: UInt32) { self.number = number }

  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let bytes = parts.compactMap { UInt8($0) }
    guard parts.count == 4, bytes.count == 4 else { return nil }
    number = bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  var description: String { [24, 16, 8, 0].map { String(number >> $0 & 0xFF) }.joined(separator: ".") }
}
