import Foundation
import Testing
import Workloads

@testable import Shell
@testable import TunnelProtocol

/// The entries that a cluster may send, and the files that they become.
struct VolumeWriterTests {
  let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func write(_ items: [PodFiles.Item], at path: String, nested: [String] = []) throws -> VolumeWriter.Outcome {
    try scratch.writer().write(items, at: MountPath(path), nested: nested.map { try MountPath($0) })
  }

  // MARK: As it should be

  @Test("A ConfigMap's volume: its links point to the same places as in the Pod, before and after a change")
  func configMap() throws {
    let first = try write(Told.configMap("2024_1", ["colour": "green", "size": "3"]), at: "/etc/app")
    #expect(first.isDirectory && first.leftOut.isEmpty && first.cost.entries == 7)
    #expect(scratch.text("etc/app/colour") == "green" && scratch.text("etc/app/..data/size") == "3")
    // As a shell has it: by the directory, which is bound.
    let bound = open(scratch.root + "/etc/app", O_RDONLY | O_DIRECTORY)
    defer { close(bound) }
    _ = try write(Told.configMap("2024_2", ["colour": "blue"]), at: "/etc/app")
    #expect(
      scratch.list("shell/root/etc/app") == [
        "..2024_2/", "..2024_2/colour=blue", "..data->..2024_2", "colour->..data/colour",
      ])
    let file = openat(bound, "colour", O_RDONLY)
    #expect(file >= 0)
    close(file)
    #expect(scratch.list("shell/fresh").isEmpty && scratch.list("shell/old").isEmpty)
  }

  @Test("Only this user reads it; executable stays executable; no other bit is kept")
  func modes() throws {
    _ = try write(
      [Told.directory(""), Told.file("a", "x", mode: 0o666), Told.file("b", "x", mode: 0o6777), Told.directory("c")],
      at: "/data")
    #expect(try scratch.mode("data") == 0o700 && scratch.mode("data/a") == 0o600 && scratch.mode("data/b") == 0o700)
    #expect(try scratch.mode("data/c") == 0o700)
  }

  @Test("One file, and a change of what it is")
  func kinds() throws {
    _ = try write([Told.file("", "one")], at: "/etc/app.ini")
    _ = try write([Told.file("", "two")], at: "/etc/app.ini")
    #expect(scratch.list("shell/root") == ["etc/", "etc/app.ini=two"])
    _ = try write([Told.directory(""), Told.directory("x"), Told.file("x/y", "z")], at: "/etc/app.ini")
    #expect(scratch.list("shell/root") == ["etc/", "etc/app.ini/", "etc/app.ini/x/", "etc/app.ini/x/y=z"])
    _ = try write([Told.directory(""), Told.file("x", "file")], at: "/etc/app.ini")
    _ = try write([Told.file("", "three")], at: "/etc/app.ini")
    #expect(scratch.list("shell/root") == ["etc/", "etc/app.ini=three"])
  }

  @Test("A volume in another's place is its own, whichever is written first or again")
  func nested() throws {
    let outer = [
      Told.directory(""), Told.file("own", "1"), Told.directory("conf"), Told.file("conf/twice", "x"),
      Told.directory("a"), Told.link("a/conf", "/"),
    ]
    let nested = ["/data/conf", "/data/a/conf", "/data"]
    _ = try write(outer, at: "/data", nested: nested)
    #expect(scratch.list("shell/root/data") == ["a/", "own=1"])
    _ = try write([Told.directory(""), Told.file("key", "v")], at: "/data/conf", nested: nested)
    _ = try write([Told.directory(""), Told.file("key", "w")], at: "/data/a/conf", nested: nested)
    let all = ["a/", "a/conf/", "a/conf/key=w", "conf/", "conf/key=v"]
    #expect(scratch.list("shell/root/data") == all + ["own=1"])
    _ = try write([Told.directory(""), Told.file("new", "2"), Told.link("a", "conf")], at: "/data", nested: nested)
    #expect(scratch.list("shell/root/data") == all + ["new=2"])
    _ = try write([Told.file("", "a file now")], at: "/data", nested: nested)
    #expect(scratch.list("shell/root/data") == all + ["new=2"])
  }

  // MARK: Attacks

  @Test("Links that point out of the volume are left out, and reported")
  func links() throws {
    let outcome = try write(
      [
        Told.directory(""), Told.directory("d"), Told.link("home", scratch.victim), Told.link("up", ".."),
        Told.link("d/up", "../.."),
        Told.link("d/in", "../d"), Told.link("here", "."), Told.link("far", "d/../../.."), Told.link("abs", "/data/d"),
        Told.link("root", "/"),
        Told.link("d/deep", "/data/d/in"),
      ], at: "/data")
    #expect(outcome.leftOut == ["home", "up", "d/up", "far", "root"])
    #expect(scratch.list("shell/root/data") == ["abs->d", "d/", "d/deep->../d/in", "d/in->../d", "here->."])
    #expect(scratch.isUntouched)
  }

  @Test("A tree whose root is a link is not written, however often it comes")
  func linkAsRoot() throws {
    _ = try write([Told.directory(""), Told.file("key", "v")], at: "/data")
    for _ in 0..<2 { #expect(throws: HostFileError.self) { try write([Told.link("", scratch.victim)], at: "/data") } }
    #expect(scratch.list("shell/root/data") == ["key=v"] && scratch.isUntouched)
  }

  @Test("A link in the volume's own place is replaced, and not followed", arguments: ["data", "data/x"])
  func linkInPlace(name: String) throws {
    try FileManager.default.createDirectory(
      atPath: scratch.root + (name == "data" ? "" : "/data"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: scratch.root + "/" + name, withDestinationPath: scratch.victim)
    for text in ["1", "2"] {
      _ = try write([Told.directory(""), Told.file("key", text)], at: "/" + name)
      #expect(scratch.list("shell/root/" + name) == ["key=" + text])
    }
    #expect(scratch.isUntouched)
  }

  @Test("A link above it, or a file, is an error that says so", arguments: ["a", "a/b", "a/b/c"])
  func linkAbove(name: String) throws {
    let above = name.split(separator: "/").dropLast().joined(separator: "/")
    try FileManager.default.createDirectory(atPath: scratch.root + "/" + above, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: scratch.root + "/" + name, withDestinationPath: scratch.victim)
    let error = #expect(throws: HostFileError.self) {
      try write([Told.directory(""), Told.file("key", "v")], at: "/a/b/c/inner")
    }
    #expect(error?.description.contains("is a link, and is not followed") == true)
    try FileManager.default.removeItem(atPath: scratch.root + "/" + name)
    try Data().write(to: URL(filePath: scratch.root + "/" + name))
    #expect(throws: HostFileError.self) { try write([Told.directory(""), Told.file("key", "v")], at: "/a/b/c/inner") }
    #expect(scratch.isUntouched)
  }

  @Test("The shell's own folders may have become links", arguments: ["root", "fresh", "old"])
  func ownFolders(name: String) throws {
    try FileManager.default.createSymbolicLink(atPath: scratch.shell + "/" + name, withDestinationPath: scratch.victim)
    _ = try? write([Told.directory(""), Told.file("key", "v")], at: "/data")
    _ = try? write([Told.directory(""), Told.file("other", "v")], at: "/data")
    #expect(scratch.isUntouched)
  }

  @Test("An earlier volume's link below which a later volume is")
  func linkBelow() throws {
    _ = try write([Told.directory(""), Told.link("x", scratch.victim), Told.link("y", "x")], at: "/data")
    _ = try write([Told.directory(""), Told.file("key", "v")], at: "/data/x")
    _ = try write([Told.directory(""), Told.file("key", "v")], at: "/data/x/inner")
    #expect(throws: HostFileError.self) { try write([Told.directory(""), Told.file("key", "v")], at: "/data/y/inner") }
    #expect(scratch.isUntouched)
  }

  @Test("Somebody swaps links in while volumes are refreshed")
  func race() async throws {
    let (shell, victim) = (scratch.shell, scratch.victim)
    let swapping = Task.detached {
      let places = ["root", "root/data", "root/data/sub", "fresh/tree", "fresh/tree/sub", "old", "fresh"].map {
        shell + "/" + $0
      }
      var turn = 0
      while !Task.isCancelled {
        let place = places[turn % places.count]
        turn += 1
        guard rename(place, place + ".aside") == 0 else { continue }
        symlink(victim, place)
        unlink(place)
        rename(place + ".aside", place)
      }
    }
    // Few files: the links take effect where folders are opened.
    let tree =
      [Told.directory(""), Told.directory("sub")]
      + (0..<4).flatMap { [Told.file("f\($0)", "x"), Told.file("sub/f\($0)", "y")] }
    for _ in 0..<300 { _ = try? write(tree, at: "/data/sub/data") }
    for _ in 0..<300 { _ = try? write(tree, at: "/data") }
    swapping.cancel()
    await swapping.value
    #expect(scratch.isUntouched)
  }

  @Test(
    "Names that point elsewhere",
    arguments: [
      "..", "../x", "a/../../x", "/x", "a//b", ".", "a/.", "x\0y", String(repeating: "n", count: 256), "/\u{301}x",
      "..\u{2F}\u{301}x",
    ])
  func names(name: String) throws {
    #expect(throws: HostFileError.self) {
      try write([Told.directory(""), Told.directory("a"), Told.file(name, "x")], at: "/data")
    }
    #expect(scratch.list("shell/root").isEmpty && scratch.isUntouched)
  }

  @Test("Survives entries that the reader would refuse: names twice, entries in files and links")
  func contradictions() throws {
    let trees = [
      [Told.directory(""), Told.file("a", "1"), Told.file("a", "2")],
      [Told.directory(""), Told.file("a", "1"), Told.file("a/b", "2")],
      [Told.directory(""), Told.link("a", "."), Told.file("a/b", "2")],
      [Told.directory(""), Told.link("a", "b"), Told.file("a", "2")],
      [Told.file("", "1"), Told.file("b", "2")], [], [Told.item(.unreadable, "")],
    ]
    for tree in trees { _ = try? write(tree, at: "/data") }
    #expect(scratch.isUntouched)
    #expect(
      scratch.list("shell").allSatisfy { ["root/", "fresh/", "old/", "root/data=1"].contains($0) },
      "\(scratch.list("shell"))")
  }

  // MARK: Too much

  @Test("More files, bytes or depth than a volume may have: nothing is written, and the reason is reported")
  func budget() throws {
    let many = [Told.directory("")] + (0..<100_000).map { Told.file("f\($0)", "") }
    let deep =
      [Told.directory("")] + (1...100).map { Told.directory(Array(repeating: "d", count: $0).joined(separator: "/")) }
    let big = [Told.directory(""), Told.item(.file, "big", bytes: [UInt8](repeating: 0, count: (64 << 20) + 1))]
    for (tree, reason) in [(many, "more than 10000 files"), (deep, "more than 64 deep"), (big, "more than 64 MiB")] {
      let error = #expect(throws: HostFileError.self) { try write(tree, at: "/data") }
      #expect(error?.description.contains(reason) == true, "\(error as Any)")
    }
    #expect(scratch.list("shell").isEmpty)
  }

  @Test("Counts what a shell's other volumes hold")
  func session() throws {
    let writer = try scratch.writer(
      VolumeBudget(volume: .init(bytes: 1 << 20, entries: 10), shell: .init(bytes: 2 << 20, entries: 20)))
    let tree = [Told.directory(""), Told.file("f", "x")]
    _ = try writer.write(tree, at: MountPath("/data"), others: .init(bytes: (2 << 20) - 4096, entries: 18))
    for others in [
      VolumeBudget.Cost(bytes: 2 << 20, entries: 1), .init(bytes: 1, entries: 19), .init(bytes: .max, entries: 1),
    ] {
      let error = #expect(throws: HostFileError.self) { try writer.write(tree, at: MountPath("/data"), others: others) }
      #expect(error?.description.contains("this shell's volumes would have more than") == true, "\(error as Any)")
    }
  }
}
