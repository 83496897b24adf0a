/// The rules for paths that containers' authors write (Kubernetes API, Volume and VolumeMount). Paths are split by
/// their bytes, as the kernel does: a slash with a combining mark behind it is one `Character`, and still a slash.
enum PathRules {
  /// Says what is wrong with a path inside a volume, nil for nothing.
  /// - Parameter isFile: a file that a volume is made of: such a name may not begin with two dots.
  static func mistake(_ path: String, isFile: Bool) -> String? {
    let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    if path.utf8.first == UInt8(ascii: "/") { return "must be a relative path" }
    if parts.contains(where: { $0.elementsEqual("..".utf8) }) { return "must not contain '..'" }
    if isFile, path.utf8.starts(with: "..".utf8) { return "must not start with '..'" }
    if path.utf8.contains(0) || path.utf8.count >= 4096 { return "must be a path of at most 4095 bytes" }
    return nil
  }

  /// A ConfigMap's or Secret's key, which becomes a file's name.
  static func isKey(_ key: String) -> Bool {
    (1...253).contains(key.utf8.count) && key != "." && !key.utf8.starts(with: "..".utf8)
      && key.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "-_.".unicodeScalars.contains($0))
      }
  }
}
