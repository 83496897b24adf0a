import CLinux
import Foundation
import Testing

@testable import Shell

struct HostDirectoryTests {
  let scratch: Scratch
  init() throws { scratch = try Scratch() }

  typealias Opening = @Sendable (Int32, UnsafePointer<CChar>?, Int32, UInt32) -> Int32
  /// By openat2(2), and where there is none.
  static let openings: [Opening] = [
    { clinux_open_beneath($0, $1, $2, $3) }, { clinux_open_beneath_walking($0, $1, $2, $3) },
  ]

  @Test("Neither way of opening escapes from a directory", arguments: openings.indices)
  func opening(index: Int) throws {
    let opening = Self.openings[index]
    let base = open(scratch.shell, O_RDONLY | O_DIRECTORY)
    defer { close(base) }
    try FileManager.default.createDirectory(atPath: scratch.shell + "/folder", withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(atPath: scratch.shell + "/out", withDestinationPath: scratch.victim)
    try FileManager.default.createSymbolicLink(atPath: scratch.shell + "/in", withDestinationPath: "folder")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.shell + "/new", withDestinationPath: scratch.victim + "/new")
    let inside = opening(base, "folder", O_RDONLY | O_DIRECTORY, 0)
    #expect(inside >= 0)
    close(inside)
    for name in ["out", "in", "new", "..", ".", "", "../victim", "folder/../../victim", "/tmp", "out/file", "folder/."]
    {
      #expect(opening(base, name, O_RDONLY | O_DIRECTORY, 0) < 0, "\(name)")
      #expect(opening(base, name, O_WRONLY | O_CREAT | O_EXCL, 0o600) < 0, "\(name)")
      #expect(opening(base, name, O_WRONLY | O_CREAT, 0o600) < 0, "\(name)")
    }
    #expect(scratch.isUntouched)
  }

  @Test(
    "Refuses a text that does not name one entry",
    arguments: ["", ".", "..", "a/b", "/", "a\0b", "/\u{301}", "a/\u{301}b", String(repeating: "n", count: 256)])
  func names(text: String) { #expect(throws: HostFileError.self) { try FileName(text) } }

  @Test(
    "Names that only look like it are names",
    arguments: ["..data", "...", ".a", " ", "-", "\n", String(repeating: "n", count: 255)])
  func oddNames(text: String) throws {
    let name = try FileName(text)
    let directory = try scratch.directory()
    try directory.make(name, "x".utf8, mode: 0o600)
    #expect(try directory.names() == [name])
    try directory.remove(name)
    #expect(try directory.names().isEmpty)
  }

  @Test("A directory that is a link is not opened")
  func linkedBase() throws {
    try FileManager.default.createSymbolicLink(atPath: scratch.path + "/link", withDestinationPath: scratch.victim)
    #expect(throws: HostFileError.self) { try HostDirectory.open(scratch.path + "/link") }
    let error = #expect(throws: HostFileError.self) { try HostDirectory.open(scratch.path).making(FileName("link")) }
    #expect(error?.description.contains("is a link") == true)
  }

  @Test("Removing a tree removes its links, and not their targets")
  func removing() throws {
    let files = FileManager.default
    try files.createDirectory(atPath: scratch.shell + "/tree/a/b", withIntermediateDirectories: true)
    for place in ["/tree/link", "/tree/a/link", "/tree/a/b/link"] {
      try files.createSymbolicLink(atPath: scratch.shell + place, withDestinationPath: scratch.victim)
    }
    try scratch.directory().remove(FileName("tree"))
    #expect(scratch.list("shell").isEmpty && scratch.isUntouched)
    try files.createSymbolicLink(atPath: scratch.shell + "/tree", withDestinationPath: scratch.victim)
    try scratch.directory().remove(FileName("tree"))
    #expect(scratch.list("shell").isEmpty && scratch.isUntouched)
  }

  @Test("A tree deeper than paths and descriptors go is removed")
  func deep() throws {
    let name = try FileName(String(repeating: "d", count: 200))
    var place = try scratch.directory().making(FileName("tree"))
    for _ in 0..<3000 { place = try place.making(name) }
    try place.make(FileName("file"), "x".utf8, mode: 0o600)
    try scratch.directory().remove(FileName("tree"))
    #expect(try scratch.directory().names().isEmpty)
  }

  @Test("A file is replaced whole, and one that cannot be stays")
  func replacing() throws {
    let directory = try scratch.directory()
    try directory.replace(FileName("file"), "one".utf8, mode: 0o600)
    try directory.replace(FileName("file"), "two".utf8, mode: 0o644)
    #expect(scratch.list("shell") == ["file=two"])
    try FileManager.default.removeItem(atPath: scratch.shell + "/file")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.shell + "/file", withDestinationPath: scratch.victim + "/file")
    try directory.replace(FileName("file"), "three".utf8, mode: 0o600)
    #expect(scratch.list("shell") == ["file=three"] && scratch.isUntouched)
    _ = try directory.making(FileName("folder")).making(FileName("inner"))
    #expect(throws: HostFileError.self) { try directory.replace(FileName("folder"), "four".utf8, mode: 0o600) }
    #expect(scratch.list("shell") == ["file=three", "folder/", "folder/inner/"])
  }
}
