import Glibc
import KubeObjects
import LabStore

/// The node's own object in the store, as a kubelet registers itself.
struct NodeObject: Sendable {
  let json: JSONValue
  private let name: String

  /// Tells what builds images here where they go: the directory whose `storage` and `run` are the lab's
  /// containers/storage.
  static let imagesAnnotation = "devtunnel.dev/lab-images"

  init(_ configuration: LabNodeConfiguration, address: IPv4Address) {
    name = configuration.nodeName
    var system = utsname()
    uname(&system)
    let machine = withUnsafeBytes(of: &system.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let release = withUnsafeBytes(of: &system.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let architecture = ["x86_64": "amd64", "aarch64": "arm64"][machine] ?? machine
    let kibibytes = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE))) / 1024
    let capacity: JSONValue = [
      "cpu": JSONValue(String(sysconf(Int32(_SC_NPROCESSORS_ONLN)))), "memory": JSONValue("\(kibibytes)Ki"),
      "pods": "110",
    ]
    let now = Timestamp.now()
    json = [
      "apiVersion": "v1", "kind": "Node",
      "metadata": [
        "name": .string(name),
        "labels": [
          "kubernetes.io/hostname": .string(name), "kubernetes.io/os": "linux",
          "kubernetes.io/arch": .string(architecture),
        ],
        "annotations": [Self.imagesAnnotation: .string(NodeDirectories(configuration).images)],
      ],
      "spec": [:],
      "status": [
        "capacity": capacity, "allocatable": capacity,
        "addresses": [
          ["type": "InternalIP", "address": .string("\(address)")], ["type": "Hostname", "address": .string(name)],
        ],
        "conditions": [
          [
            "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "the lab's node runs",
            "lastHeartbeatTime": .string(now),
            "lastTransitionTime": .string(now),
          ]
        ],
        "nodeInfo": [
          "architecture": .string(architecture), "operatingSystem": "linux", "kernelVersion": .string(release),
          "osImage": "devtunnel lab",
          "containerRuntimeVersion": "runc://1", "kubeletVersion": "v1.36.0-lab", "kubeProxyVersion": "",
          "machineID": "", "systemUUID": "",
          "bootID": .string(Self.bootID()),
        ],
      ],
    ]
  }

  /// The kernel's boot, the same for all nodes of this machine (proc_sys_kernel(5)): by it a client knows that the Pods
  /// run here.
  private static func bootID() -> String {
    guard let file = fopen("/proc/sys/kernel/random/boot_id", "r") else { return "" }
    defer { fclose(file) }
    var text = [UInt8](repeating: 0, count: 64)
    let count = fread(&text, 1, text.count, file)
    return String(decoding: text[..<count].prefix { $0 > 0x20 }, as: UTF8.self)
  }

  /// Creates the object, or says in the one that is there what the node is and that it is ready.
  func register(in store: any ObjectStoring) async {
    if (try? await store.create(.nodes, json)) != nil { return }
    let json = json
    _ = try? await store.update(ObjectKey(.nodes, namespace: "", name: name)) { object in
      object["status"] = json["status"]
      for (key, value) in json[path: "metadata", "labels"]?.objectValue ?? [:] {
        object[path: "metadata", "labels", key] = value
      }
      for (key, value) in json[path: "metadata", "annotations"]?.objectValue ?? [:] {
        object[path: "metadata", "annotations", key] = value
      }
    }
  }
}
