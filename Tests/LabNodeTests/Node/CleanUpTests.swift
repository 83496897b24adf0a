import Glibc
import Testing

@testable import LabNode

struct CleanUpTests {
  /// The owner of the state directory chooses what root removes and unmounts.
  @Test func anothersDirectoryIsNotCleanedUp() async throws {
    let directory = try TemporaryDirectory()
    let (state, victim) = (directory.path + "/state", directory.path + "/victim")
    try Files.makeDirectory(victim)
    try Files.write("{\"labName\": \"x\"}", to: victim + "/node.json")
    try Files.write("mine", to: victim + "/file")
    #expect(symlink(victim, state) == 0)
    await #expect(throws: LabNodeError.self) { try await LabNode.cleanUp(stateDirectory: state) }
    #expect(Files.readText(victim + "/file") == "mine")
    unlink(state)
    try Files.makeDirectory(state, mode: 0o777)
    try Files.write("{\"labName\": \"x\"}", to: state + "/node.json")
    try Files.write("mine", to: state + "/file")
    await #expect(throws: LabNodeError.self) { try await LabNode.cleanUp(stateDirectory: state) }
    #expect(Files.exists(state + "/file"))
  }

  @Test func aRecordsNameIsNoPath() throws {
    let directory = try TemporaryDirectory()
    let directories = NodeDirectories(stateDirectory: directory.path)
    try Files.write("{\"labName\": \"../../../x\"}", to: directories.record)
    #expect(NodeRecord.read(directories) == nil)
    try Files.write("{\"labName\": \"devtunnel-lab-x\"}", to: directories.record)
    #expect(NodeRecord.read(directories)?.labName == "devtunnel-lab-x")
  }

  @Test func aSignalMeetsNoOtherProcessOfTheNumber() throws {
    let own = try #require(ProcessIdentity(pid: getpid()))
    #expect(ProcessIdentity.send(0, to: own))
    #expect(!ProcessIdentity.send(0, to: ProcessIdentity(pid: own.pid, started: own.started + 1)))
    #expect(ProcessIdentity(pid: -1) == nil && ProcessIdentity(pid: 0) == nil)
  }
}
