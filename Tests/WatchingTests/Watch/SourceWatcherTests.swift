import Glibc
import Testing

@testable import Watching

extension WatcherTests {
  struct SourceWatcherTests {
    let scene: Scene

    init() throws { scene = try Scene() }

    private func watch(_ ignore: String = "", sources: [String] = ["."]) throws -> SourceWatcher {
      try SourceWatcher(
        WatchSet(trees: [WatchedTree(root: scene.path, sources: sources, ignore: try IgnoreRules(dockerignore: ignore))]
        ))
    }

    @Test("Changed, made executable, created, removed")
    func files() async throws {
      for file in ["a", "b", "sub/c", "d"] { scene.write(file) }
      let watcher = try watch()
      scene.write("a", "new")
      chmod(scene("b"), 0o755)
      scene.remove("sub/c")
      scene.rename("d", "sub/e")
      scene.link("link", to: "a")
      scene.write("end")
      let all = await watcher.changes(in: scene, until: "end")
      #expect(all.paths == ["a", "b", "sub/e", "link", "end"])
      #expect(all.deleted == ["sub/c", "d"])
    }

    @Test("New directories are followed, with what was created before their watch began")
    func newDirectories() async throws {
      let watcher = try watch()
      var expected: Set<String> = ["end"]
      for number in 0..<100 {
        scene.write("new\(number)/deep/er/file")
        expected.insert("new\(number)/deep/er/file")
      }
      scene.write("end")
      var seen = (await watcher.changes(in: scene, until: "end")).paths
      // The scan of the last directories may come a batch later.
      while !seen.isSuperset(of: expected) {
        seen.formUnion(await watcher.changes(in: scene, until: "new99/deep/er/file").paths)
      }
      #expect(seen == expected)
      scene.write("new99/deep/er/later")
      #expect(await watcher.changes(in: scene, until: "new99/deep/er/later").paths == ["new99/deep/er/later"])
      #expect(watcher.watchedDirectories == 301)
    }

    @Test("A directory that is renamed is gone here and new there")
    func renamedDirectory() async throws {
      scene.write("old/a/b")
      let watcher = try watch()
      scene.rename("old", "new")
      let all = await watcher.changes(in: scene, until: "new/a/b")
      #expect(all.paths == ["new/a/b"])
      #expect(all.deleted == ["old"])
      scene.write("new/a/c")
      #expect(await watcher.changes(in: scene, until: "new/a/c").paths == ["new/a/c"])
    }

    @Test("A directory that comes again under its old name is watched again")
    func recreatedDirectory() async throws {
      scene.write("x/file")
      let watcher = try watch()
      for number in 0..<5 {
        scene.remove("x/file")
        scene.removeDirectory("x")
        scene.write("gone\(number)")
        let gone = await watcher.changes(in: scene, until: "gone\(number)")
        #expect(gone.deleted.contains("x") && gone.deleted.contains("x/file"))
        scene.write("x/file", "\(number)")
        _ = await watcher.changes(in: scene, until: "x/file")
      }
      #expect(watcher.watchedDirectories == 2)
    }

    @Test("Ignores what is no source, and does not watch its directories")
    func ignored() async throws {
      for file in ["node_modules/a/b/c.js", ".git/HEAD", "src/a.go", "src/a.md", "docs/x/y"] { scene.write(file) }
      let watcher = try watch("node_modules\n.git\n**/*.md", sources: ["src", "*.txt", "node_modules"])
      #expect(watcher.watchedDirectories == 2)
      scene.write("node_modules/a/b/c.js", "new")
      scene.write("docs/x/y", "new")
      scene.write("src/a.md", "new")
      scene.write("src/b.go")
      scene.write("end.txt")
      let all = await watcher.changes(in: scene, until: "end.txt")
      #expect(all.paths == ["src/b.go", "end.txt"])
    }

    @Test("Single files: replaced, absent at first, in directories that come and go, behind links")
    func singleFiles() async throws {
      for file in ["dev/skaffold.yaml", "dev/other.yaml", "real/linked.yaml"] { scene.write(file) }
      scene.link("linked.yaml", to: "real/linked.yaml")
      let files = ["dev/skaffold.yaml", "none/yet/app.yaml", "linked.yaml"]
      let watcher = try SourceWatcher(WatchSet(files: files.map { scene($0) }))
      scene.write("dev/other.yaml", "new")
      scene.write("dev/tmp")
      scene.rename("dev/tmp", "dev/skaffold.yaml")
      #expect(await watcher.changes(in: scene, until: "dev/skaffold.yaml").changed == ["dev/skaffold.yaml"])
      for text in ["1", "2"] {
        scene.write("none/yet/app.yaml", text)
        #expect(await watcher.changes(in: scene, until: "none/yet/app.yaml").paths == ["none/yet/app.yaml"])
      }
      scene.remove("none/yet/app.yaml")
      scene.removeDirectory("none/yet")
      scene.removeDirectory("none")
      scene.write("real/linked.yaml", "new")
      let all = await watcher.changes(in: scene, until: "linked.yaml")
      #expect(all.deleted.contains("none/yet/app.yaml"))
      scene.write("none/yet/app.yaml", "3")
      #expect(await watcher.changes(in: scene, until: "none/yet/app.yaml").paths.contains("none/yet/app.yaml"))
    }

    @Test("A tree's root may be missing, and be replaced")
    func missingRoot() async throws {
      let watcher = try SourceWatcher(WatchSet(trees: [WatchedTree(root: scene("a/top"))], files: [scene("end")]))
      scene.write("a/top/sub/file")
      #expect(await watcher.changes(in: scene, until: "a/top/sub/file").paths == ["a/top/sub/file"])
      scene.rename("a/top", "a/away")
      scene.write("end")
      #expect(await watcher.changes(in: scene, until: "end").deleted == ["a/top"])
      scene.write("a/away/sub/file", "unseen")
      scene.write("a/top/other")
      #expect(await watcher.changes(in: scene, until: "a/top/other").paths == ["a/top/other"])
    }

    @Test("An update keeps what stays, adds and drops the rest, and loses nothing meanwhile")
    func update() async throws {
      for file in ["one/a", "two/a", "three/a"] { scene.write(file) }
      let trees = ["one", "two", "three"].map { WatchedTree(root: scene($0)) }
      let watcher = try SourceWatcher(WatchSet(trees: [trees[0], trees[1]]))
      scene.write("two/a", "before")
      try watcher.update(WatchSet(trees: [trees[1], trees[2]]))
      #expect(watcher.watchedDirectories == 2)
      scene.write("one/a", "unseen")
      scene.write("two/b")
      scene.write("three/end")
      #expect(await watcher.changes(in: scene, until: "three/end").paths == ["two/a", "two/b", "three/end"])
    }

    @Test("Several watchers share the instance; one end does not end the other")
    func several() async throws {
      scene.write("sub/a")
      let first = try watch()
      let second = try SourceWatcher(WatchSet(trees: [WatchedTree(root: scene("sub"))]))
      scene.write("sub/a", "1")
      #expect(await first.changes(in: scene, until: "sub/a").paths == ["sub/a"])
      #expect(await second.changes(in: scene, until: "sub/a").paths == ["sub/a"])
      first.stop()
      #expect(await first.batches { _ in false }.isEmpty)
      scene.write("sub/b")
      #expect(await second.changes(in: scene, until: "sub/b").paths == ["sub/b"])
    }

    @Test("A queue that overflowed is reported, and files that came meanwhile are watched")
    func overflow() async throws {
      for file in ["a", "b", "gone/x"] { scene.write(file) }
      let watcher = try watch()
      let limit = try #require(Int((try readText("/proc/sys/fs/inotify/max_queued_events")).trimmed))
      watcher.watcher.state.withLock { _ in
        // The watcher's thread waits for us, so the kernel must keep all these. Twice as many: it may have taken a part
        // before.
        for number in 0..<(2 * limit + 2) { utimensat(AT_FDCWD, scene(number % 2 == 0 ? "a" : "b"), nil, 0) }
        scene.write("late/deep/file")
        scene.remove("gone/x")
        scene.removeDirectory("gone")
      }
      #expect(await watcher.batches { $0.overflowed }.last?.overflowed == true)
      #expect(watcher.watchedDirectories == 3)
      scene.write("late/deep/end")
      #expect(await watcher.changes(in: scene, until: "late/deep/end").paths.contains("late/deep/end"))
    }

    @Test("A stream of changes that never rests still gives batches")
    func steadyStream() async throws {
      let watcher = try SourceWatcher(
        WatchSet(trees: [WatchedTree(root: scene.path)]), quiet: .seconds(3600), longest: .milliseconds(50))
      let writer = Task.detached {
        var number = 0
        while !Task.isCancelled {
          scene.write("file\(number % 7)", "\(number)")
          number += 1
          await Task.yield()
        }
      }
      var count = 0
      _ = await watcher.batches { _ in
        count += 1
        return count == 3
      }
      writer.cancel()
      await writer.value
      #expect(count == 3)
    }

    @Test("A file that is still being written holds its batch open")
    func longWriter() async throws {
      let watcher = try SourceWatcher(
        WatchSet(trees: [WatchedTree(root: scene.path)]), quiet: .milliseconds(1), longest: .seconds(3600))
      let descriptor = open(scene("big"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      scene.write("other")
      // Only once the other file's event was seen, and the quiet time is over, does the last byte come.
      while watcher.watcher.isHeldOpen == false { await Task.yield() }
      write(descriptor, "end", 3)
      close(descriptor)
      let batches = await watcher.batches { _ in true }
      #expect(batches.map(\.paths) == [[scene("big"), scene("other")]])
    }

    @Test("It ends with its last reference, and with it the thread and the instance")
    func end() async throws {
      var watcher: SourceWatcher? = try watch()
      let batches = try #require(watcher?.batches)
      watcher = nil
      var count = 0
      for await _ in batches { count += 1 }
      #expect(count == 0)
    }

    @Test("A limit that was hit names itself and the way out")
    func limit() {
      let error = WatchError.watching("/src", code: ENOSPC, watches: 12)
      #expect(error.code == .limit)
      for part in ["fs.inotify.max_user_watches", "sudo sysctl", "12 directories"] {
        #expect(error.description.contains(part))
      }
      #expect(WatchError.watching(nil, code: EMFILE, watches: 0).description.contains("max_user_instances"))
    }
  }
}

extension TreeWatcher {
  /// The quiet time is over, and the batch waits for a writer.
  fileprivate var isHeldOpen: Bool {
    let deadline = state.withLock { $0.pending.deadline(quiet: .zero, longest: .seconds(3600), now: .now) }
    return deadline.map { $0 > .now + .seconds(60) } ?? false
  }
}
