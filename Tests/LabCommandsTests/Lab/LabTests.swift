import ControlAPI
import FoundationEssentials
import Glibc
import LabNode
import Testing

@testable import LabCommands

struct LabTests {
  /// A directory for tests, in the place of the one that all users' labs are in.
  private func withShared(_ body: (String) throws -> Void) throws {
    let shared = FileManager.default.temporaryDirectory.path + "/lab-shared-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: shared) }
    try body(shared)
  }

  @Test func rootsOwnLabIsWhereItSaysAndNotInItsHome() {
    let paths = LabPaths(name: "two", environment: ["XDG_STATE_HOME": "/s"], isRoot: true)
    #expect(paths.directory == "/s/devtunnel/lab-two")
    #expect(paths.kubeconfig == "/s/devtunnel/lab-two/kubeconfig")
    #expect(paths.owner == nil)
    // HOME may be another user's, as under `su -m`.
    for environment in [["HOME": "/root", "SUDO_UID": "0"], ["HOME": "/home/alice"], ["XDG_STATE_HOME": "state"], [:]] {
      #expect(
        LabPaths(name: "lab", environment: environment, isRoot: true, uid: 0).directory
          == "/var/lib/devtunnel-lab/0/lab-lab")
    }
  }

  @Test(.enabled(if: geteuid() == 0, "needs root")) func rootsOwnLabLeavesTheSharedDirectoryOpen() throws {
    try withShared { shared in
      let paths = LabPaths(name: "lab", environment: ["HOME": "/home/alice"], isRoot: true, uid: 0, shared: shared)
      try paths.prepare()
      func mode(_ path: String) -> mode_t {
        var found = stat()
        return stat(path, &found) == 0 ? found.st_mode & 0o777 : 0
      }
      #expect(mode(shared) == 0o755, "other users pass through it to their own labs")
      #expect(mode(paths.directory) == 0o700)
      try FileManager.default.removeItem(atPath: paths.directory)
      paths.removeEmptyParents()
      #expect(access(shared, F_OK) != 0)
    }
  }

  @Test(.enabled(if: geteuid() == 0, "needs root")) func inAnothersDirectoryNothingIsMadeAndTheRemedyHelps() throws {
    try withShared { shared in
      let home = shared + "-home"
      defer { try? FileManager.default.removeItem(atPath: home) }
      try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
      #expect(chown(home, 1, 1) == 0)
      var environment = ["HOME": home, "XDG_STATE_HOME": home + "/state"]
      let error = #expect(throws: ControlError.self) {
        try LabPaths(name: "lab", environment: environment, isRoot: true, uid: 0, shared: shared).prepare()
      }
      #expect(error?.code == .refused && error?.message.hasSuffix("others may change \(home)") == true)
      #expect(
        error?.remedy == "unset XDG_STATE_HOME, which names it: the lab's files are then in /var/lib/devtunnel-lab")
      #expect(try FileManager.default.contentsOfDirectory(atPath: home) == [])
      environment["XDG_STATE_HOME"] = nil
      try LabPaths(name: "lab", environment: environment, isRoot: true, uid: 0, shared: shared).prepare()
      #expect(try FileManager.default.contentsOfDirectory(atPath: home) == [])
    }
  }

  @Test(.enabled(if: geteuid() == 0, "needs root"), arguments: [("/above", false), ("/above/labs", true)])
  func theRemedyOfARefusalHelps(place: String, isOfLabs: Bool) throws {
    try withShared { top in
      let paths = LabPaths(name: "lab", environment: ["SUDO_UID": "1"], isRoot: true, shared: top + "/above/labs")
      try FileManager.default.createDirectory(atPath: top + "/above/labs", withIntermediateDirectories: true)
      #expect(chown(top + place, 1, 1) == 0)
      let error = try #require(throws: ControlError.self) { try paths.prepare() }
      let words = try #require(error.remedy?.split(separator: ": ").last.map(String.init))
      #expect(
        words == (isOfLabs ? "rm -r \(top + place)" : "chown root:root \(top + place) && chmod go-w \(top + place)"))
      #expect(system(words) == 0)
      try paths.prepare()
    }
  }

  @Test func underSudoItIsADirectoryThatTheCallerFinds() {
    // uid 1 is there on every Debian.
    let environment = ["HOME": "/root", "SUDO_UID": "1", "XDG_STATE_HOME": "/mine"]
    let paths = LabPaths(name: "lab", environment: environment, isRoot: true)
    #expect(paths.owner?.uid == 1)
    #expect(paths.directory == "/var/lib/devtunnel-lab/1/lab-lab")
    let own = LabPaths(name: "lab", environment: ["XDG_STATE_HOME": "/mine"], isRoot: false, uid: 1)
    #expect(own.owner == nil && own.directory == paths.directory)
    // Root reads no file that the caller may change: a kubeconfig may name programs.
    #expect(paths.trustedKubeconfig == paths.directory + "/api/kubeconfig")
  }

  @Test(.enabled(if: geteuid() == 0, "needs root")) func theCallerGetsTheKubeconfigAlone() throws {
    try withShared { shared in
      let paths = LabPaths(name: "lab", environment: ["SUDO_UID": "1"], isRoot: true, shared: shared)
      try paths.prepare()
      try FileManager.default.createDirectory(atPath: paths.server, withIntermediateDirectories: false)
      try Data("kind: Config".utf8).write(to: URL(filePath: paths.server + "/kubeconfig"))
      try paths.publishKubeconfig()
      let process = try #require(ProcessIdentity(pid: getpid()))
      try LabRecord(pid: process.pid, started: process.started, since: "", server: nil).write(paths)
      func status(_ path: String) -> stat {
        var found = stat()
        #expect(lstat(path, &found) == 0)
        return found
      }
      for path in [shared, shared + "/1", paths.directory, paths.record] {
        #expect(status(path).st_uid == 0 && status(path).st_mode & 0o022 == 0, "\(path)")
      }
      #expect(status(paths.kubeconfig).st_uid == 1 && status(paths.kubeconfig).st_mode & 0o777 == 0o600)
      #expect(FileManager.default.contents(atPath: paths.kubeconfig) == Data("kind: Config".utf8))
      paths.removeEmptyParents()
      #expect(paths.exists)
      try FileManager.default.removeItem(atPath: paths.directory)
      paths.removeEmptyParents()
      #expect(access(shared, F_OK) != 0)
    }
  }

  @Test(.enabled(if: geteuid() == 0, "needs root"), arguments: ["", "/1", "/1/lab-lab"])
  func aDirectoryThatOthersMayChangeIsRefused(place: String) async throws {
    for isOwned in [true, false] {
      try withShared { shared in
        let paths = LabPaths(name: "lab", environment: ["SUDO_UID": "1"], isRoot: true, shared: shared)
        try FileManager.default.createDirectory(atPath: paths.directory, withIntermediateDirectories: true)
        #expect(isOwned ? chown(shared + place, 1, 1) == 0 : chmod(shared + place, 0o777) == 0)
        let error = #expect(throws: ControlError.self) { try paths.prepare() }
        #expect(error?.code == .refused && error?.message.contains(shared + place) == true)
        #expect(throws: ControlError.self) { try paths.checkOwners() }
      }
    }
  }

  @Test(.enabled(if: geteuid() == 0, "needs root")) func nothingIsRemovedBehindAnothersLink() async throws {
    let shared = FileManager.default.temporaryDirectory.path + "/lab-shared-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: shared) }
    let paths = LabPaths(name: "lab", environment: ["SUDO_UID": "1"], isRoot: true, shared: shared)
    let victim = shared + "/victim"
    try FileManager.default.createDirectory(atPath: victim, withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: shared + "/1", withIntermediateDirectories: false)
    #expect(chown(shared + "/1", 1, 1) == 0 && symlink(victim, paths.directory) == 0)
    try Data("{\"labName\": \"x\"}".utf8).write(to: URL(filePath: victim + "/node.json"))
    await #expect(throws: ControlError.self) { try await LabProcess(paths: paths).remove() }
    #expect(access(victim + "/node.json", F_OK) == 0)
  }

  @Test func aSignalGoesToTheLabAlone() throws {
    let process = try #require(ProcessIdentity(pid: getpid()))
    #expect(LabRecord(pid: process.pid, started: process.started, since: "", server: nil).send(0))
    // Another process has the number by now.
    #expect(!LabRecord(pid: process.pid, started: process.started + 1, since: "", server: nil).send(SIGKILL))
    #expect(!LabRecord(pid: 1, started: process.started, since: "", server: nil).send(0))
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
    let process = LabProcess(paths: LabPaths(name: "none", environment: ["XDG_STATE_HOME": "/nowhere"], isRoot: true))
    #expect(process.running() == nil)
    #expect(try await process.remove() == false)
  }

  @Test func aDeadLabsRecordDoesNotCount() throws {
    let state = FileManager.default.temporaryDirectory.path + "/lab-record-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: state) }
    let paths = LabPaths(name: "lab", environment: ["XDG_STATE_HOME": state], isRoot: true)
    try paths.prepare()
    let own = try #require(ProcessIdentity(pid: getpid()))
    var record = LabRecord(
      pid: own.pid, started: own.started + 1, since: "2026-01-31T10:02:03Z", server: "https://127.0.0.1:1")
    try record.write(paths)
    let process = LabProcess(paths: paths)
    #expect(process.running() == nil)
    record.started = own.started
    try record.write(paths)
    #expect(process.running()?.server == "https://127.0.0.1:1")
  }

  @Test(arguments: ["Lab", "a/b", "", "..", "abcdefghijklmnopqrstuvwxyzabcde"])
  func aNameBecomesADirectoryAndACgroup(name: String) {
    #expect(throws: (any Error).self) { try LabCommand.parseAsRoot(["status", "--name", name]) }
  }

  @Test func enterTakesWhatStandsBehindTheDashes() throws {
    let command = try #require(
      try LabCommand.parseAsRoot(["enter", "shop/client", "--", "curl", "-s", "http://web"]) as? LabEnter)
    #expect(command.pod == "shop/client")
    #expect(command.command == ["curl", "-s", "http://web"])
    #expect(throws: (any Error).self) { try LabCommand.parseAsRoot(["enter", "client", "--", "true"]) }
    #expect(throws: (any Error).self) { try LabCommand.parseAsRoot(["enter", "shop/client"]) }
  }
}
