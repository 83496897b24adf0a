import KubeObjects
import Manifests
import Testing

struct ManifestPatchesTests {
  static let podSpec: JSONValue = [
    "initContainers": [["name": "i", "image": "shop:1"]],
    "containers": [["name": "c", "image": "shop", "imagePullPolicy": "Always"], ["name": "o", "image": "shop2:1"]],
    "ephemeralContainers": [["name": "e", "image": "shop@sha256:00"]],
  ]
  static let patches = ManifestPatches(images: ["shop": "registry.example:5000/shop@sha256:11"])

  @Test(
    "Pod templates of every workload kind",
    arguments: [
      ("v1", "Pod", ["spec"]), ("v1", "PodTemplate", ["template", "spec"]),
      ("v1", "ReplicationController", ["spec", "template", "spec"]),
      ("apps/v1", "Deployment", ["spec", "template", "spec"]), ("apps/v1", "ReplicaSet", ["spec", "template", "spec"]),
      ("apps/v1", "StatefulSet", ["spec", "template", "spec"]),
      ("apps/v1", "DaemonSet", ["spec", "template", "spec"]), ("batch/v1", "Job", ["spec", "template", "spec"]),
      ("batch/v1", "CronJob", ["spec", "jobTemplate", "spec", "template", "spec"]),
    ])
  func kinds(apiVersion: String, kind: String, path: [String]) throws {
    let object: JSONValue = path.reversed().reduce(Self.podSpec) { .object([$1: $0]) }
    var manifest = Manifest(object)
    manifest.object["apiVersion"] = JSONValue(apiVersion)
    manifest.object["kind"] = JSONValue(kind)
    let patched = try #require(Self.patches.apply(to: [manifest]).first)
    let spec = try #require(path.reduce(Optional(patched.object)) { $0?[$1] })
    let new: JSONValue = "registry.example:5000/shop@sha256:11"
    #expect(spec["dnsPolicy"] == "Default")
    #expect(spec["initContainers"] == [["name": "i", "image": new, "imagePullPolicy": "IfNotPresent"]])
    #expect(
      spec["containers"] == [
        ["name": "c", "image": new, "imagePullPolicy": "IfNotPresent"], ["name": "o", "image": "shop2:1"],
      ])
    #expect(spec["ephemeralContainers"]?[0]?["image"] == new)
  }

  @Test("Each patch can be left out")
  func switches() throws {
    let manifest = Manifest(["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"], "spec": Self.podSpec])
    #expect(ManifestPatches(dnsPolicy: false, pullPolicy: false).apply(to: [manifest]) == [manifest])
    let image = ManifestPatches(images: ["shop": "x@sha256:1"], dnsPolicy: false, pullPolicy: false).apply(to: [
      manifest
    ])[0].object
    #expect(image["spec"]?["containers"]?[0] == ["name": "c", "image": "x@sha256:1", "imagePullPolicy": "Always"])
    #expect(image["spec"]?["dnsPolicy"] == nil)
  }

  @Test("Other kinds: an image is replaced wherever containers are, a Pod's DNS only where the kind is known")
  func otherKinds() {
    let rollout = Manifest([
      "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": ["name": "r"],
      "spec": ["template": ["spec": Self.podSpec]],
    ])
    let patched = Self.patches.apply(to: [rollout])[0].object
    #expect(
      patched[path: "spec", "template", "spec", "containers"]?[0]?["image"] == "registry.example:5000/shop@sha256:11")
    #expect(patched[path: "spec", "template", "spec", "dnsPolicy"] == nil)
    let definition = Manifest([
      "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
      "spec": ["containers": [["image": "shop"]]],
    ])
    #expect(Self.patches.apply(to: [definition]) == [definition])
  }

  @Test("A namespace goes to objects that name none and are in one")
  func namespace() {
    func manifest(_ kind: String, _ namespace: JSONValue? = nil) -> Manifest {
      var manifest = Manifest(["apiVersion": "v1", "kind": JSONValue(kind), "metadata": ["name": "x"]])
      manifest.object[path: "metadata", "namespace"] = namespace
      return manifest
    }
    let definition = Manifest([
      "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": ["name": "w"],
      "spec": ["scope": "Cluster", "names": ["kind": "Wide"]],
    ])
    let patched = ManifestPatches(namespace: "dev").apply(to: [
      manifest("Service"), manifest("Service", "own"), manifest("Namespace"), manifest("Wide"), definition,
    ])
    #expect(patched.map(\.namespace) == ["dev", "own", nil, nil, nil])
  }

  @Test("An image that nothing uses is reported")
  func unused() {
    let pod = Manifest(["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"], "spec": Self.podSpec])
    #expect(
      ManifestPatches(images: ["shop": "a", "shop2": "b", "ship": "c", "cart": "d"]).unusedImages(in: [pod]) == [
        "cart", "ship",
      ])
  }

  @Test(
    "An image's name, tag and digest",
    arguments: [
      ("shop", "shop", nil, nil), ("shop:1", "shop", "1", nil),
      ("registry.example:5000/a/shop", "registry.example:5000/a/shop", nil, nil),
      ("registry.example:5000/shop:1@sha256:0", "registry.example:5000/shop", "1", "sha256:0"),
      ("shop@sha256:0", "shop", nil, "sha256:0"),
    ] as [(String, String, String?, String?)])
  func names(reference: String, name: String, tag: String?, digest: String?) {
    let image = ImageName(reference)
    #expect(image.name == name && image.tag == tag && image.digest == digest)
  }
}
