import Glibc
import KubeObjects
import LabStore
import Testing

@testable import LabNode

/// Images and numbers that aim at the node's process, which is root's.
struct HostileContainerTests {
  private func user(_ root: TemporaryDirectory, _ security: JSONValue = [:]) throws -> ContainerUser {
    try ContainerUser(
      pod: [:], container: ["securityContext": security], imageUser: "app", rootFileSystem: root.path + "/root")
  }

  /// An image's root with a passwd that is a link.
  private func image(_ target: String) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    try Files.makeDirectory(directory.path + "/root/etc")
    try Files.makeDirectory(directory.path + "/root/real")
    try Files.write("app:x:11:12::/:/bin/sh\n", to: directory.path + "/root/real/passwd")
    try Files.write("app:x:77:78::/:/bin/sh\n", to: directory.path + "/passwd")
    let target = target.isEmpty ? directory.path + "/passwd" : target
    #expect(symlink(target, directory.path + "/root/etc/passwd") == 0)
    return directory
  }

  @Test(arguments: ["", "../../passwd", "../../../../../../../../../etc/passwd", "passwd"])
  func anImagesPasswdIsNotReadOutsideOfIt(target: String) throws {
    #expect(throws: LabNodeError.self) { try user(try image(target)) }
  }

  @Test(arguments: ["/real/passwd", "../real/passwd", "../../../real/passwd"])
  func linksLeadToTheImagesOwnFiles(target: String) throws {
    let user = try user(try image(target))
    #expect(user.uid == 11 && user.gid == 12)
  }

  @Test(.timeLimit(.minutes(1))) func whatHasNoEndIsNotRead() throws {
    let directory = try TemporaryDirectory()
    try Files.makeDirectory(directory.path + "/root/etc")
    let passwd = directory.path + "/root/etc/passwd"
    try Files.write("app:x:11:12::/:/bin/sh\n", to: passwd)
    #expect(try user(directory).uid == 11)
    #expect(truncate(passwd, 1 << 40) == 0)
    #expect(throws: LabNodeError.self) { try user(directory) }
    unlink(passwd)
    #expect(mkfifo(passwd, 0o600) == 0)
    #expect(throws: LabNodeError.self) { try user(directory) }
  }

  @Test(arguments: ["runAsUser", "runAsGroup"])
  func anIdentityDoesNotBecomeRootsByItsUpperBits(field: String) throws {
    let directory = try image("/real/passwd")
    for number in [1 << 32, -1, 1 << 31, Int.max] {
      #expect(throws: LabNodeError.self) { try user(directory, .object([field: JSONValue(number)])) }
    }
  }

  private func spec(_ limits: JSONValue, cgroup: String? = "/lab/x") throws -> JSONValue {
    let container: JSONValue = ["resources": ["limits": limits]]
    return RuntimeSpec(
      arguments: ["sh"], environment: [], workingDirectory: "/",
      user: try ContainerUser(pod: [:], container: container, imageUser: "", rootFileSystem: "/nonexistent"),
      hostname: "web", rootFileSystem: "/r", networkNamespace: "/n", mounts: [], container: container, cgroup: cgroup,
      openFilesLimit: 20000
    ).json()
  }

  @Test(arguments: ["1e30", "1e300E", "9223372036854775807Ei", "-1e30"])
  func aQuantityOfAnySizeIsALimit(quantity: String) throws {
    let json = try spec(["memory": .string(quantity), "cpu": .string(quantity)])
    let memory = json[path: "linux", "resources", "memory", "limit"]?.intValue
    #expect(memory.map { $0 >= 0 } ?? true)
    #expect(json[path: "linux", "resources", "cpu", "quota"]?.intValue.map { $0 >= 1000 } ?? true)
  }

  /// A device file for a disk of the machine is the machine: either a cgroup keeps it from being opened, or the
  /// capability to make one is missing.
  @Test func devicesOfTheMachineStayOut() throws {
    let limited = try spec([:])
    #expect(limited[path: "linux", "resources", "devices"] == [["allow": false, "access": "rwm"]])
    let free = try spec([:], cgroup: nil)
    let names = free[path: "process", "capabilities", "bounding"]?.elements ?? []
    #expect(!names.contains("CAP_MKNOD") && names.contains("CAP_CHOWN"))
  }

  @Test(arguments: [Int.max, Int.min, -1])
  func statedSecondsNeverOverflow(seconds: Int) throws {
    let probe = Probe(
      [
        "exec": ["command": ["true"]], "initialDelaySeconds": JSONValue(seconds), "periodSeconds": JSONValue(seconds),
        "timeoutSeconds": JSONValue(seconds),
      ], in: [:])
    for duration in [probe.initialDelay, probe.period, probe.timeout] {
      #expect(duration >= .zero && duration <= .seconds(Int(Int32.max)))
    }
    var lines = LogLines(LogOptions(sinceSeconds: seconds, limitBytes: seconds))
    #expect(lines.feed([]) == [])
  }

  @Test func longFilesAreReadInPart() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/log"
    try Files.write("begin", to: path)
    #expect(truncate(path, 1 << 40) == 0)
    #expect(Files.beginning(of: path, 6) == Array("begin\0".utf8))
    #expect(Files.end(of: path, 3) == [0, 0, 0])
    #expect(Files.end(of: directory.path + "/gone", 3) == [])
    try Files.write("short", to: path)
    #expect(Files.end(of: path, 100) == Array("short".utf8))
  }
}
