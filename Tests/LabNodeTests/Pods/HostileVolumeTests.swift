import Glibc
import KubeObjects
import LabStore
import Testing

@testable import LabNode

/// Manifests and containers that aim at files of the machine. The node has to keep them out by itself: it does not rely
/// on the API server's checks.
struct HostileVolumeTests {
  /// Volumes of a Pod, and a directory beside them that nothing may touch.
  private struct Scene {
    let directory: TemporaryDirectory
    var volumes: String { directory.path + "/node/volumes" }
    var victim: String { directory.path + "/victim" }

    init() throws {
      directory = try TemporaryDirectory()
      try Files.makeDirectory(volumes)
      try Files.makeDirectory(victim)
      try Files.write("mine", to: victim + "/passwd")
    }

    func pod(_ spec: JSONValue, _ store: ObjectStore) -> PodVolumes {
      let content = VolumeContent(store: store, pod: ContainerEnvironmentTests.pod(spec), token: "t0", authority: "CA")
      return PodVolumes(content: content, directory: volumes)
    }

    func isUntouched() -> Bool {
      Files.names(in: victim) == ["passwd"] && Files.readText(victim + "/passwd") == "mine"
        && Files.names(in: directory.path).sorted() == ["node", "victim"]
        && Files.names(in: volumes + "/..") == ["volumes"]
    }
  }

  private func store(_ key: String = "evil") async throws -> ObjectStore {
    let store = ObjectStore()
    _ = try await store.create(
      .configMaps,
      ["kind": "ConfigMap", "metadata": ["name": "c", "namespace": "shop"], "data": [key: "evil"]])
    return store
  }

  @Test(arguments: ["../../victim", "..", ".", "", "a/../../../victim", "/victim", "a\0b", ".kube-api-access"])
  func aVolumesNameStaysInside(name: String) async throws {
    let scene = try Scene()
    let store = try await store()
    for source: JSONValue in [["emptyDir": [:]], ["configMap": ["name": "c"]]] {
      var volume = source
      volume["name"] = .string(name)
      let volumes = scene.pod(["volumes": [volume]], store)
      await #expect(throws: LabNodeError.self) { try await volumes.write() }
      #expect(throws: LabNodeError.self) {
        try volumes.mounts(of: ["volumeMounts": [["name": .string(name), "mountPath": "/m"]]], variables: [:])
      }
      #expect(scene.isUntouched())
    }
  }

  @Test("A path out of variables has a limit")
  func longExpression() async throws {
    let scene = try Scene()
    let store = try await store()
    let volumes = scene.pod(["volumes": [["name": "v", "emptyDir": [:]]]], store)
    try await volumes.write()
    let mount: JSONValue = [
      "name": "v", "mountPath": "/m", "subPathExpr": .string(String(repeating: "$(V)/", count: 9)),
    ]
    let container: JSONValue = ["volumeMounts": [mount]]
    #expect(try volumes.mounts(of: container, variables: ["V": "d"]).first?.destination == "/m")
    #expect(
      throws: LabNodeError(
        .containerConfig, "the subPathExpr of the volumeMount \"v\" makes a path of more than 4096 bytes")
    ) { try volumes.mounts(of: container, variables: ["V": String(repeating: "d", count: 500)]) }
    #expect(scene.isUntouched())
  }

  @Test(arguments: ["../../../../victim/token", "/victim", "a/../../../../../victim/token", "..data", "", "."])
  func aFilesPathStaysInside(path: String) async throws {
    let scene = try Scene()
    let store = try await store()
    for source: JSONValue in [
      ["serviceAccountToken": ["path": .string(path)]],
      ["configMap": ["name": "c", "items": [["key": "evil", "path": .string(path)]]]],
      ["downwardAPI": ["items": [["path": .string(path), "fieldRef": ["fieldPath": "metadata.name"]]]]],
    ] {
      let volumes = scene.pod(["volumes": [["name": "v", "projected": ["sources": [source]]]]], store)
      await #expect(throws: LabNodeError.self, "\(source)") { try await volumes.write() }
      #expect(scene.isUntouched())
    }
  }

  @Test func aKeyIsNoPath() async throws {
    let scene = try Scene()
    let volumes = scene.pod(
      ["volumes": [["name": "v", "configMap": ["name": "c"]]]], try await store("../../../../victim/passwd"))
    await #expect(throws: LabNodeError.self) { try await volumes.write() }
    #expect(scene.isUntouched())
  }

  /// A container that can write to a volume of objects, in whatever way, gets the node to remove what its link names.
  @Test func aForgedLinkToTheOldFilesRemovesNothing() throws {
    let scene = try Scene()
    let volume = AtomicDirectory(path: scene.volumes + "/v")
    try Files.makeDirectory(volume.path)
    #expect(symlink("../../../victim", volume.path + "/..data") == 0)
    #expect(try volume.write([VolumeFile(path: "a", bytes: [1], mode: 0o644)]))
    #expect(Files.read(volume.path + "/a") == [1])
    #expect(Files.readText(scene.victim + "/passwd") == "mine")
  }

  @Test func aForgedLinkInTheWayIsNotWrittenThrough() throws {
    let scene = try Scene()
    #expect(symlink(scene.victim, scene.volumes + "/v") == 0)
    #expect(throws: LabNodeError.self) {
      try AtomicDirectory(path: scene.volumes + "/v").write([VolumeFile(path: "a", bytes: [1], mode: 0o644)])
    }
    #expect(Files.names(in: scene.victim) == ["passwd"])
  }

  /// One would be a container's to write, and the other the node's.
  @Test func twoVolumesInOneDirectoryAreRefused() async throws {
    let scene = try Scene()
    let store = try await store()
    for list: JSONValue in [
      [["name": "v", "emptyDir": [:]], ["name": "v", "configMap": ["name": "c"]]],
      [["name": "v", "emptyDir": [:], "configMap": ["name": "c"]]],
    ] {
      await #expect(throws: LabNodeError.self) { try await scene.pod(["volumes": list], store).write() }
    }
  }

  @Test(arguments: ["out/new", "up/new", "out", "a/out/new", "../scratch", "/etc", "a/../../x"])
  func aSubPathStaysInItsVolume(sub: String) async throws {
    let scene = try Scene()
    let volumes = scene.pod(["volumes": [["name": "scratch", "emptyDir": [:]]]], ObjectStore())
    try await volumes.write()
    // As a container leaves them there.
    let scratch = scene.volumes + "/scratch"
    try Files.makeDirectory(scratch + "/a")
    #expect(symlink(scene.victim, scratch + "/out") == 0 && symlink("../../../victim", scratch + "/up") == 0)
    #expect(symlink("../out", scratch + "/a/out") == 0)
    let container: JSONValue = [
      "volumeMounts": [["name": "scratch", "mountPath": "/s", "subPath": .string(sub)]]
    ]
    #expect(throws: LabNodeError.self) { try volumes.mounts(of: container, variables: [:]) }
    #expect(Files.names(in: scene.victim) == ["passwd"])
  }

  /// Between the look and runc's mount a container can put a link in the directory's place.
  @Test func whatASubPathNamedStaysMounted() async throws {
    let scene = try Scene()
    let volumes = scene.pod(["volumes": [["name": "scratch", "emptyDir": [:]]]], ObjectStore())
    try await volumes.write()
    let scratch = scene.volumes + "/scratch"
    #expect(symlink("inner", scratch + "/link") == 0)
    let mounts = try volumes.mounts(
      of: ["volumeMounts": [["name": "scratch", "mountPath": "/s", "subPath": "link/new"]]], variables: [:])
    #expect(rename(scratch + "/inner", scratch + "/gone") == 0 && symlink(scene.victim, scratch + "/inner") == 0)
    #expect(rename(scratch + "/gone/new", scratch + "/gone/moved") == 0)
    try Files.write("x", to: mounts[0].source + "/file")
    #expect(Files.readText(scratch + "/gone/moved/file") == "x")
    #expect(Files.names(in: scene.victim) == ["passwd"])
  }

  /// `..` in a link leads back to where the link is, never above the volume.
  @Test func linksInsideAVolumeAreFollowed() async throws {
    let scene = try Scene()
    let volumes = scene.pod(["volumes": [["name": "scratch", "emptyDir": [:]]]], ObjectStore())
    try await volumes.write()
    let scratch = scene.volumes + "/scratch"
    try Files.makeDirectory(scratch + "/a/b")
    try Files.write("deep", to: scratch + "/a/file")
    #expect(symlink("../file", scratch + "/a/b/link") == 0)
    let mounts = try volumes.mounts(
      of: ["volumeMounts": [["name": "scratch", "mountPath": "/s", "subPath": "a/b/link"]]], variables: [:])
    #expect(Files.readText(mounts[0].source) == "deep")
  }
}
