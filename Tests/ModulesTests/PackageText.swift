import Foundation
import Synchronization

/// The targets of Package.swift, read from its text.
struct PackageText {
  struct Target {
    var name: String
    /// `target`, `executableTarget`, `testTarget` or `systemLibrary`.
    var kind: String
    /// Other targets of this package.
    var targets: Set<String>
    /// Libraries of other packages.
    var products: Set<String>
    /// The folder of its sources, from the package's root.
    var path: String
  }

  static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

  /// In the order of the manifest.
  let targets: [Target]

  init() throws {
    var text = try String(contentsOf: Self.root.appending(path: "Package.swift"), encoding: .utf8)
    text = text.split(separator: "\n").filter { !$0.drop(while: \.isWhitespace).hasPrefix("//") }.joined(
      separator: "\n")
    targets = text.matches(of: /\.(target|executableTarget|testTarget|systemLibrary)\(\s*name: "([\w-]+)"/).map {
      match in
      let name = String(match.2)
      let kind = String(match.1)
      let body = Self.untilClosed(text[match.range.lowerBound...])
      let list =
        body.firstMatch(of: /dependencies: \[/).map { Self.untilClosed(body[$0.range.lowerBound...], "[", "]") } ?? ""
      let products = list.matches(of: /\.product\(name: "(\w+)"/).map { String($0.1) }
      let others = list.replacing(/\.product\([^)]*\)/, with: "").matches(of: /"(\w+)"/).map { String($0.1) }
      let path = body.firstMatch(of: /path: "([^"]+)"/).map { String($0.1) }
      return Target(
        name: name, kind: kind, targets: Set(others), products: Set(products),
        path: path ?? (kind == "testTarget" ? "Tests/\(name)" : "Sources/\(name)"))
    }
  }

  /// From the beginning to where its first bracket is closed.
  private static func untilClosed(_ text: Substring, _ open: Character = "(", _ close: Character = ")") -> Substring {
    var depth = 0
    for index in text.indices {
      if text[index] == open { depth += 1 }
      guard text[index] == close else { continue }
      depth -= 1
      if depth == 0 { return text[...index] }
    }
    return text
  }
}

extension PackageText.Target {
  /// By the folder: each file is read once, since a debug build takes long for a regular expression.
  private static let texts = Mutex<[String: [(file: String, text: String)]]>([:])
  private static let imports = Mutex<[String: [(module: String, file: String)]]>([:])

  /// Every Swift file of this target, with its path from the package's root.
  func sources() throws -> [(file: String, text: String)] {
    try Self.texts.withLock { texts in
      if let known = texts[path] { return known }
      let read = try readSources()
      texts[path] = read
      return read
    }
  }

  private func readSources() throws -> [(file: String, text: String)] {
    let folder = PackageText.root.appending(path: path)
    guard let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil) else { return [] }
    var sources: [(String, String)] = []
    for case let file as URL in all where file.pathExtension == "swift" {
      sources.append(("\(path)/…/\(file.lastPathComponent)", try String(contentsOf: file, encoding: .utf8)))
    }
    return sources
  }

  /// Every module that a file of this target imports, with the file's path from the package's root.
  func imports() throws -> [(module: String, file: String)] {
    let sources = try sources()
    return Self.imports.withLock { imports in
      if let known = imports[path] { return known }
      let read = Self.imports(in: sources)
      imports[path] = read
      return read
    }
  }

  private static func imports(in sources: [(file: String, text: String)]) -> [(module: String, file: String)] {
    var imports: [(String, String)] = []
    for (file, text) in sources {
      let statement =
        #/
        ^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?
        import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)
        /#
      for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
        guard line.firstRange(of: "import ".utf8) != nil, let match = Substring(line).firstMatch(of: statement) else {
          continue
        }
        imports.append((String(match.1), file))
      }
    }
    return imports
  }
}
