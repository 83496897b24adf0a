import Glibc
import Testing

@testable import Watching

struct BuildContextTests {
  let scene: Scene

  init() throws {
    scene = try Scene()
    for file in ["go.mod", "src/main.go", "src/a/b.go", "docs/readme.md", "node_modules/x/y.js", "src/.main.go.swp"] {
      scene.write(file, file)
    }
  }

  @Test("Sources, less what is ignored, and the Dockerfile")
  func files() throws {
    scene.write("Dockerfile", "FROM a\nCOPY . /x\n")
    #expect(
      try BuildContext(directory: scene.path).files() == [
        "Dockerfile", "docs/readme.md", "go.mod", "node_modules/x/y.js", "src/a/b.go", "src/main.go",
      ])
    scene.write(".dockerignore", "node_modules\ndocs\nDockerfile\n.dockerignore")
    let context = try BuildContext(directory: scene.path)
    #expect(try context.files() == ["Dockerfile", "go.mod", "src/a/b.go", "src/main.go"])
    for file in ["src/new.go", "Dockerfile", ".dockerignore", "Dockerfile.dockerignore"] {
      #expect(context.contains(scene(file)), "\(file)")
    }
    for file in ["docs/new.md", "src/.new.go.swp", "../x"] { #expect(!context.contains(scene(file)), "\(file)") }
  }

  @Test("A Dockerfile's own ignore file wins; the Dockerfile may lie elsewhere")
  func ownIgnoreFile() throws {
    scene.write("build/app.Dockerfile", "FROM a\nCOPY *.mod src /x/\n")
    scene.write(".dockerignore", "src")
    let path = scene("build/app.Dockerfile")
    #expect(try BuildContext(directory: scene.path, dockerfile: path).files() == ["build/app.Dockerfile", "go.mod"])
    scene.write("build/app.Dockerfile.dockerignore", "src/a")
    #expect(
      try BuildContext(directory: scene.path, dockerfile: path).files() == [
        "build/app.Dockerfile", "go.mod", "src/main.go",
      ])
    #expect(try BuildContext(directory: scene("src"), dockerfile: path).files() == [])
  }

  @Test("A link among the sources counts as its target")
  func links() throws {
    scene.write("Dockerfile", "FROM a\nCOPY conf/app.yaml /\n")
    scene.write("real/app.yaml")
    scene.link("conf", to: "real")
    scene.link("real/alias", to: "app.yaml")
    #expect(try BuildContext(directory: scene.path).files() == ["Dockerfile", "real/app.yaml"])
  }

  @Test("A custom build's dependencies")
  func custom() throws {
    let context = try BuildContext(directory: scene.path, paths: ["src/**/*.go", "go.mod"], ignore: ["src/a"])
    #expect(try context.files() == ["go.mod", "src/main.go"])
    #expect(context.definitionFiles.isEmpty)
  }

  @Test("Names a missing file")
  func missing() {
    #expect(throws: WatchError.self) { try BuildContext(directory: scene.path) }
    let error = #expect(throws: WatchError.self) { try BuildContext(directory: scene("none")) }
    #expect(error?.code == .missing)
    #expect(error?.file == scene("none"))
  }

  @Test("The digest follows what the build can see, and nothing else")
  func digest() throws {
    scene.write("Dockerfile", "FROM a\nCOPY src go.mod /x/\n")
    let hashes = FileHashes()
    func digest(args: [String: String] = [:], target: String? = nil) throws -> String {
      try BuildContext(directory: scene.path, buildArgs: args, target: target).digest(hashes)
    }
    let first = try digest()
    #expect(first.count == 64)
    #expect(try digest() == first)
    scene.write("docs/readme.md", "changed")
    scene.write("src/main.go~", "backup")
    utimensat(AT_FDCWD, scene("go.mod"), nil, 0)
    #expect(try digest() == first)

    var seen = [first, try digest(args: ["A": "1"]), try digest(target: "0")]
    func changed(_ change: () -> Void) throws {
      change()
      let next = try digest()
      #expect(!seen.contains(next))
      seen.append(next)
    }
    try changed { scene.write("src/main.go", "SRC/main.go") }
    try changed { chmod(scene("src/main.go"), 0o755) }
    try changed { scene.rename("src/main.go", "src/other.go") }
    try changed { scene.link("src/link", to: "other.go") }
    try changed {
      scene.remove("src/link")
      scene.link("src/link", to: "a/b.go")
    }
    try changed { scene.makeDirectory("src/empty") }
    try changed { scene.write("Dockerfile", "FROM b\nCOPY src go.mod /x/\n") }
  }

  @Test("A file that was just written is not remembered: it may be written again with the same times")
  func freshFiles() throws {
    scene.write("new")
    let hashes = FileHashes()
    let status = try #require(FileStatus(scene("new")))
    _ = try hashes.hash(of: scene("new"), status)
    #expect(hashes.count == 0)
  }

  @Test("Files that have no end, no reader or no limit are reported, not read", .timeLimit(.minutes(1)))
  func endless() throws {
    scene.write("Dockerfile", "FROM a\nCOPY . /x\n")
    scene.link(".gitignore", to: "/dev/zero")
    scene.makeDirectory(".git/info")
    #expect(mkfifo(scene(".git/info/exclude"), 0o600) == 0)
    #expect(!IgnoreRules.git(in: scene.path).ignores("go.mod", isDirectory: false))
    scene.link(".dockerignore", to: "/dev/zero")
    #expect(try BuildContext(directory: scene.path).ignore == IgnoreRules())
    scene.remove(".dockerignore")
    scene.write(".dockerignore", String(repeating: "a\n", count: 1 << 20))
    #expect(
      try #require(throws: WatchError.self) { try BuildContext(directory: scene.path) }.description.contains(
        "more than 1 MiB"))
    scene.remove(".dockerignore")
    scene.write("Dockerfile", "FROM a\n" + String(repeating: "RUN x\n", count: 10 << 20 / 6))
    let error = try #require(throws: WatchError.self) { try BuildContext(directory: scene.path) }
    #expect(error.description.contains("more than 1 MiB") && error.file == scene("Dockerfile"))
  }

  @Test("A file's time may be one that no nanoseconds count to")
  func times() throws {
    // The year 2400: ext4, XFS and tmpfs keep it, and tar brings it.
    let time = timespec(tv_sec: 13_569_465_600, tv_nsec: 0)
    #expect(utimensat(AT_FDCWD, scene("go.mod"), [time, time], 0) == 0)
    #expect(FileStatus(scene("go.mod"))?.kind == .file)
  }
}
