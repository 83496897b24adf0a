import Inputs

/// Files that editors keep next to the edited one: never a reason to build, and no part of a build. Files that exist
/// only during a save (Vim's 4913, sed's sedXXXXXX) are gone when a batch is closed, and need no names here.
enum EditorNoise {
  static func contains(_ name: String) -> Bool { name.withBytes(contains) }

  static func contains(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = name.first, let last = name.last else { return false }
    switch (first, last) {
    // Vim's and Emacs' backups.
    case (_, UInt8(ascii: "~")): return name.count > 1
    // Emacs' auto-save files; LibreOffice's locks.
    case (UInt8(ascii: "#"), UInt8(ascii: "#")): return name.count > 1
    case (UInt8(ascii: "."), _):
      return name.hasPrefix(".#") || isVimSwap(name) || name.hasSuffix(".kate-swp") || name.hasPrefix(".goutputstream-")
        || name.hasPrefix(".~lock.")
        || name.hasPrefix(".nfs0") || name.hasPrefix(".fuse_hidden") || name.hasSuffix("~lock")
        || name.equals(".DS_Store")
    // JetBrains' safe write: foo___jb_tmp___, foo___jb_old___.
    case (_, UInt8(ascii: "_")): return name.hasSuffix("___jb_tmp___") || name.hasSuffix("___jb_old___")
    default: return false
    }
  }

  /// Matches .foo.swp, .foo.swo … .foo.saa, .foo.swpx.
  private static func isVimSwap(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return false }
    let suffix = name[(dot + 1)...]
    return (suffix.count == 3 || (suffix.count == 4 && suffix.last == UInt8(ascii: "x")))
      && suffix.starts(with: "sw".utf8)
  }
}

extension UnsafeBufferPointer<UInt8> {
  fileprivate func hasPrefix(_ text: StaticString) -> Bool { text.withUTF8Buffer { starts(with: $0) } }
  fileprivate func hasSuffix(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { count >= $0.count && self[(count - $0.count)...].elementsEqual($0) }
  }
  fileprivate func equals(_ text: StaticString) -> Bool { text.withUTF8Buffer { elementsEqual($0) } }
}
