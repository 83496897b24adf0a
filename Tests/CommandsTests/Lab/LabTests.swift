import ControlAPI
import FoundationEssentials
import Testing

@testable import Commands

struct LabTests {
  @Test func theDirectoryHangsOnTheStateDirectoryAndTheName() {
    let paths = LabPaths(name: "two", environment: ["XDG_STATE_HOME": "/s"], isRoot: false)
    #expect(paths.directory == "/s/devtunnel/lab-two")
    #expect(paths.kubeconfig == "/s/devtunnel/lab-two/kubeconfig")
    #expect(paths.owner == nil)
  }

  @Test func underSudoItIsTheCallersDirectory() {
    // uid 1 is there on every Debian.
    let paths = LabPaths(name: "lab", environment: ["HOME": "/root", "SUDO_UID": "1"], isRoot: true)
    #expect(paths.owner?.uid == 1)
    #expect(!paths.directory.hasPrefix("/root"))
    #expect(LabPaths(name: "lab", environment: ["HOME": "/root", "SUDO_UID": "1"], isRoot: false).owner == nil)
    #expect(
      LabPaths(name: "lab", environment: ["HOME": "/root", "SUDO_UID": "0"], isRoot: true).directory
        == "/root/.local/state/devtunnel/lab-lab")
  }

  @Test func withoutRootItSaysWhatToRun() {
    let error = #expect(throws: ControlError.self) { try LabRequirements.checkRoot("up", uid: 1000) }
    #expect(error?.code == .forbidden)
    #expect(error?.remedy == "run `sudo devtunnel lab up`")
    #expect(throws: Never.self) { try LabRequirements.checkRoot("up", uid: 0) }
  }

  @Test func missingProgramsAreNamedWithTheirPackages() {
    let error = #expect(throws: ControlError.self) { try LabRequirements.checkPrograms(in: ["/nowhere"]) }
    #expect(error?.message.contains("runc, buildah, nft") == true)
    #expect(error?.remedy == "apt-get install runc buildah nftables iproute2 util-linux openssl busybox-static")
  }

  @Test func nothingRunsWhereThereIsNothing() async throws {
    let process = LabProcess(paths: LabPaths(name: "none", environment: ["XDG_STATE_HOME": "/nowhere"], isRoot: false))
    #expect(try process.running() == nil)
    #expect(try await process.remove() == false)
  }

  @Test func aDeadLabsRecordDoesNotCount() async throws {
    let state = FileManager.default.temporaryDirectory.path + "/lab-record-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: state) }
    let paths = LabPaths(name: "lab", environment: ["XDG_STATE_HOME": state], isRoot: false)
    try paths.prepare()
    try LabRecord(pid: 1, since: "2026-01-31T10:02:03Z", server: "https://127.0.0.1:1").write(paths)
    let process = LabProcess(paths: paths)
    #expect(try process.running() == nil)
    let lock = try FileLock.take(paths.lock)
    #expect(try process.running()?.server == "https://127.0.0.1:1")
    withExtendedLifetime(lock) {}
  }

  @Test(arguments: ["Lab", "a/b", "", "..", "abcdefghijklmnopqrstuvwxyzabcde"])
  func aNameBecomesADirectoryAndACgroup(name: String) {
    #expect(throws: (any Error).self) { try Devtunnel.parseAsRoot(["lab", "status", "--name", name]) }
  }

  @Test func enterTakesWhatStandsBehindTheDashes() throws {
    let command = try #require(
      try Devtunnel.parseAsRoot(["lab", "enter", "shop/client", "--", "curl", "-s", "http://web"]) as? LabEnter)
    #expect(command.pod == "shop/client")
    #expect(command.command == ["curl", "-s", "http://web"])
    #expect(throws: (any Error).self) { try Devtunnel.parseAsRoot(["lab", "enter", "client", "--", "true"]) }
    #expect(throws: (any Error).self) { try Devtunnel.parseAsRoot(["lab", "enter", "shop/client"]) }
  }
}
