import CLinux

/// The Pod's /etc/resolv.conf (resolv.conf(5)).
struct ResolvConf {
  private let text: [UInt8]

  init(_ text: [UInt8]) { self.text = text }

  /// Reads the Pod's own; empty if it cannot be read.
  init() {
    var text = [UInt8](repeating: 0, count: 4096)
    let fd = clinux_open_for_reading("/etc/resolv.conf")
    let count = fd < 0 ? 0 : clinux_read(fd, &text, text.count)
    if fd >= 0 { clinux_close(fd) }
    text.removeLast(text.count - max(count, 0))
    self.text = text
  }

  /// The addresses of all `nameserver` lines, with port 53, in their order; invalid ones are skipped.
  var nameservers: [clinux_address] {
    var found: [clinux_address] = []
    forEachWord(of: "nameserver") { word in
      var address = clinux_address()
      var name: [CChar] = []
      for byte in word { name.append(CChar(bitPattern: byte)) }
      name.append(0)
      guard clinux_parse_address(name, &address) == 0 else { return }
      address.port = 53
      found.append(address)
    }
    return found
  }

  /// The end of Services' full names after `svc.`, from kubelet's search list (`NAMESPACE.svc.DOMAIN svc.DOMAIN
  /// DOMAIN`); `cluster.local` without one.
  var clusterDomain: [UInt8] {
    var domain: [UInt8] = []
    forEachWord(of: "search") { word in
      if domain.isEmpty, word.count > 4, word[0] == 115, word[1] == 118, word[2] == 99, word[3] == 46 {
        domain = Array(word[4...])
      }
    }
    return domain.isEmpty ? AgentConfiguration.bytes("cluster.local") : domain
  }

  private func forEachWord(of keyword: StaticString, _ body: (ArraySlice<UInt8>) -> Void) {
    var start = 0
    while start < text.count {
      var end = start
      while end < text.count, text[end] != 10 { end += 1 }
      defer { start = end + 1 }
      var index = start
      var isFirst = true
      while index < end {
        while index < end, Self.isBlank(text[index]) { index += 1 }
        let begin = index
        while index < end, !Self.isBlank(text[index]) { index += 1 }
        guard begin < index else { break }
        if !isFirst {
          // From 0, so that positions are those within the word.
          body(Array(text[begin..<index])[...])
        } else if index - begin != keyword.utf8CodeUnitCount || !isSame(begin, keyword) {
          break
        }
        isFirst = false
      }
    }
  }

  private func isSame(_ begin: Int, _ keyword: StaticString) -> Bool {
    for offset in 0..<keyword.utf8CodeUnitCount where text[begin + offset] != keyword.utf8Start[offset] { return false }
    return true
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 }
}
