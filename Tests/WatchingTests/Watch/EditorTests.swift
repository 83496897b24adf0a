import Testing

@testable import Watching

extension WatcherTests {
  /// However an editor saves, the watcher reports one change of one file.
  struct EditorTests {
    struct Save: CustomTestStringConvertible, Sendable {
      let testDescription: String
      let steps: @Sendable (Scene) -> Void
      init(_ name: String, _ steps: @escaping @Sendable (Scene) -> Void) {
        (testDescription, self.steps) = (name, steps)
      }
    }

    @Test(
      "One batch with the file alone",
      arguments: [
        Save("in place (VS Code, nano)") { $0.write("main.go", "new") },
        Save("Vim, with a backup") {
          $0.write(".main.go.swp", "swap")
          $0.write("4913", "")
          $0.remove("4913")
          $0.rename("main.go", "main.go~")
          $0.write("main.go", "new")
          $0.remove("main.go~")
          $0.write(".main.go.swp", "swap2")
        },
        Save("Emacs: lock, auto-save, backup") {
          $0.link(".#main.go", to: "alice@host.123")
          $0.write("#main.go#", "n")
          $0.rename("main.go", "main.go~")
          $0.write("main.go", "new")
          $0.remove("#main.go#")
          $0.remove(".#main.go")
        },
        Save("JetBrains' safe write") {
          $0.write("main.go___jb_tmp___", "new")
          $0.rename("main.go", "main.go___jb_old___")
          $0.rename("main.go___jb_tmp___", "main.go")
          $0.remove("main.go___jb_old___")
        },
        Save("renamed over (gedit, atomic writers)") {
          $0.write("main.go.tmp123", "new")
          $0.rename("main.go.tmp123", "main.go")
        },
        Save("sed -i") {
          $0.write("sedAb3xY9", "new")
          $0.rename("sedAb3xY9", "main.go")
        },
        Save("removed and written") {
          $0.remove("main.go")
          $0.write("main.go", "new")
        },
      ])
    func save(_ save: Save) async throws {
      let scene = try Scene()
      scene.write("main.go", "old")
      let watcher = try SourceWatcher(WatchSet(trees: [WatchedTree(root: scene.path)]))
      save.steps(scene)
      let batches = await watcher.batches { _ in true }
      #expect(batches.map(\.paths) == [[scene("main.go")]])
      #expect(batches.allSatisfy { $0.deleted.isEmpty && !$0.overflowed && $0.problems.isEmpty })
    }

    @Test("Opening and closing a file in an editor is no change")
    func noise() async throws {
      let scene = try Scene()
      scene.write("main.go")
      let watcher = try SourceWatcher(WatchSet(trees: [WatchedTree(root: scene.path)]))
      scene.write(".main.go.swp")
      scene.write("4913")
      scene.remove("4913")
      scene.remove(".main.go.swp")
      scene.makeDirectory("came")
      scene.removeDirectory("came")
      scene.write("end")
      let all = await watcher.changes(in: scene, until: "end")
      #expect(all.paths == ["end"])
      #expect(all.deleted.isEmpty)
    }
  }
}
