import CLinux

/// The Pod's /etc/resolv.conf (resolv.conf(5)).
enum ResolvConf {
  /// The addresses of all `nameserver` lines, with port 53, in their order; those that are no IP address are left out.
  static func nameservers() -> [clinux_address] {
    let fd = clinux_open_for_reading("/etc/resolv.conf")
    guard fd >= 0 else { return [] }
    defer { clinux_close(fd) }
    var text = [UInt8](repeating: 0, count: 8192)
    let count = clinux_read(fd, &text, text.count)
    return count > 0 ? nameservers(text[..<Int(count)]) : []
  }

  static func nameservers(_ text: ArraySlice<UInt8>) -> [clinux_address] {
    let keyword: [UInt8] = [110, 97, 109, 101, 115, 101, 114, 118, 101, 114]  // "nameserver"
    var found: [clinux_address] = []
    for line in text.split(separator: 10) where line.count > keyword.count && line.prefix(keyword.count).elementsEqual(keyword) {
      guard let words = isBlank(line[line.startIndex + keyword.count]) ? line.dropFirst(keyword.count) : nil else { continue }
      let word = words.drop { isBlank($0) }.prefix { !isBlank($0) }
      var value: [CChar] = word.map { CChar(bitPattern: $0) }
      value.append(0)
      var address = clinux_address()
      guard clinux_parse_address(value, &address) == 0 else { continue }
      address.port = 53
      found.append(address)
    }
    return found
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 }
}
