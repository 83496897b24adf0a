import CLinux

/// The Pod's /etc/resolv.conf (resolv.conf(5)).
enum ResolvConf {
  /// The addresses of all `nameserver` lines, with port 53, in their order; those that are no IP address are left out.
  static func nameservers() -> [clinux_address] {
    let fd = clinux_open_for_reading("/etc/resolv.conf")
    guard fd >= 0 else { return [] }
    defer { clinux_close(fd) }
    var text = [UInt8](repeating: 0, count: 4096)
    let count = clinux_read(fd, &text, text.count)
    return text.withUnsafeBytes { nameservers(UnsafeRawBufferPointer(start: $0.baseAddress, count: max(count, 0))) }
  }

  static func nameservers(_ text: UnsafeRawBufferPointer) -> [clinux_address] {
    let keyword: StaticString = "nameserver"
    let keywordLength = keyword.utf8CodeUnitCount
    var found: [clinux_address] = []
    var start = 0
    while start < text.count {
      var end = start
      while end < text.count, text[end] != 10 { end += 1 }
      defer { start = end + 1 }
      guard end - start > keywordLength, memcmp(text.baseAddress! + start, keyword.utf8Start, keywordLength) == 0 else { continue }
      var index = start + keywordLength
      guard isBlank(text[index]) else { continue }
      while index < end, isBlank(text[index]) { index += 1 }
      var word: [CChar] = []
      while index < end, !isBlank(text[index]) {
        word.append(CChar(bitPattern: text[index]))
        index += 1
      }
      word.append(0)
      var address = clinux_address()
      guard clinux_parse_address(word, &address) == 0 else { continue }
      address.port = 53
      found.append(address)
    }
    return found
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 }
}
