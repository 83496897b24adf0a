import Testing

@testable import Deploy

@Suite struct FileSyncTests {
  @Test(
    "A failed sync has the words of the command that failed",
    arguments: [
      (
        2, "tar: www/a.html: Cannot open: Permission denied\ntar: Exiting with failure status due to previous errors\n",
        "files cannot be synced into shop/app-1, container main: tar ended with 2: "
          + "tar: www/a.html: Cannot open: Permission denied",
        ["tar: Exiting with failure status due to previous errors"]
      ),
      (1, "", "files cannot be synced into shop/app-1, container main: tar ended with 1", []),
      (
        126, "rm: can't remove 'a': Read-only file system\n",
        "files cannot be synced into shop/app-1, container main: a file cannot be deleted: "
          + "rm: can't remove 'a': Read-only file system", []
      ),
      (
        127, "sh: tar: not found\n", "files cannot be synced into shop/app-1, container main: it has no tar", []
      ),
    ] as [(Int, String, String, [String])])
  func words(status: Int, stderr: String, message: String, details: [String]) {
    let error = FileSync.failure(status, words: Array(stderr.utf8), place: "shop/app-1, container main")
    #expect(error.code == .needsBuild && error.message == message && error.details == details)
  }
}
