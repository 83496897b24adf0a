import Glibc
import KubeObjects
import LabStore
import Testing

@testable import LabNode

struct VolumeTests {
  private func volumes(_ spec: JSONValue, _ store: ObjectStore, _ directory: String) -> PodVolumes {
    let content = VolumeContent(store: store, pod: ContainerEnvironmentTests.pod(spec), token: "t0", authority: "CA")
    return PodVolumes(content: content, directory: directory)
  }

  @Test func changesComeAllAtOnce() throws {
    let directory = try TemporaryDirectory()
    let volume = AtomicDirectory(path: directory.path + "/v")
    #expect(
      try volume.write([
        VolumeFile(path: "a", bytes: [1], mode: 0o644), VolumeFile(path: "d/b", bytes: [2], mode: 0o400),
      ]))
    #expect(Files.read(volume.path + "/d/b") == [2])
    let before = Files.resolved(volume.path + "/..data")
    #expect(
      try !volume.write([
        VolumeFile(path: "a", bytes: [1], mode: 0o644), VolumeFile(path: "d/b", bytes: [2], mode: 0o400),
      ]))
    #expect(try volume.write([VolumeFile(path: "a", bytes: [3], mode: 0o644)]))
    #expect(Files.resolved(volume.path + "/..data") != before && !Files.exists(before!))
    #expect(Files.read(volume.path + "/a") == [3] && Files.link(volume.path + "/d") == nil)
  }

  @Test func objectsBecomeFiles() async throws {
    let directory = try TemporaryDirectory()
    let store = ObjectStore()
    _ = try await store.create(
      .configMaps,
      [
        "kind": "ConfigMap", "metadata": ["name": "c", "namespace": "shop"], "data": ["k": "v", "l": "w"],
        "binaryData": ["b": "AAE="],
      ])
    let spec: JSONValue = [
      "volumes": [
        ["name": "map", "configMap": ["name": "c", "defaultMode": 0o555]], ["name": "scratch", "emptyDir": [:]],
        ["name": "one", "configMap": ["name": "c", "items": [["key": "l", "path": "sub/l"]]]],
        [
          "name": "all",
          "projected": ["sources": [["configMap": ["name": "c"]], ["serviceAccountToken": ["path": "token"]]]],
        ],
      ],
      "containers": [],
    ]
    let volumes = volumes(spec, store, directory.path)
    try await volumes.write()
    #expect(Files.read(directory.path + "/map/b") == [0, 1])
    var information = stat()
    stat(directory.path + "/map/k", &information)
    #expect(information.st_mode & 0o777 == 0o555)
    #expect(Files.readText(directory.path + "/one/sub/l") == "w")
    #expect(Files.readText(directory.path + "/all/token") == "t0")
    #expect(Files.readText(directory.path + "/.kube-api-access/namespace") == "shop")
    #expect(Files.readText(directory.path + "/.kube-api-access/ca.crt") == "CA")
    #expect(volumes.uses(.configMaps, "c") && !volumes.uses(.secrets, "c"))

    let mounts = try volumes.mounts(
      of: [
        "volumeMounts": [
          ["name": "map", "mountPath": "/m", "subPath": "k"], ["name": "scratch", "mountPath": "/s", "subPath": "x"],
        ]
      ],
      variables: [:])
    #expect(Files.readText(mounts[0].source) == "v" && mounts[0].isReadOnly)
    #expect(Files.isDirectory(mounts[1].source) && !mounts[1].isReadOnly)
    #expect(mounts[2].destination == PodVolumes.accountPath)
    // A runtime mounts in this order: the outer one would hide the inner.
    let nested = try volumes.mounts(
      of: ["volumeMounts": [["name": "map", "mountPath": "/s/map"], ["name": "scratch", "mountPath": "/s"]]],
      variables: [:])
    #expect(nested.map(\.destination) == ["/s", "/s/map", PodVolumes.accountPath])
  }

  @Test func whatCannotBeMountedSaysWhy() async throws {
    let directory = try TemporaryDirectory()
    func error(_ volume: JSONValue) async -> String {
      do { try await volumes(["volumes": [volume]], ObjectStore(), directory.path).write() } catch { return "\(error)" }
      return ""
    }
    #expect(await error(["name": "m", "configMap": ["name": "gone"]]) == "configmap \"gone\" not found")
    #expect(await error(["name": "m", "configMap": ["name": "gone", "optional": true]]) == "")
    #expect(await error(["name": "p", "persistentVolumeClaim": ["claimName": "x"]]).contains("persistentVolumeClaim"))
    symlink("/", directory.path + "/scratch")
    #expect(throws: LabNodeError.self) {
      try volumes(["volumes": [["name": "scratch", "emptyDir": [:]]]], ObjectStore(), directory.path).mounts(
        of: ["volumeMounts": [["name": "scratch", "mountPath": "/s", "subPath": "../etc"]]], variables: [:])
    }
  }
}
