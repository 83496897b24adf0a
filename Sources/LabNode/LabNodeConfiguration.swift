import Glibc

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The settings of a lab's node. The defaults suit a lab that runs once on a machine.
public struct LabNodeConfiguration: Sendable {
  /// The node's name: Pods with this `spec.nodeName` run here.
  public var nodeName = "lab"
  /// The lab's name; containers and cgroups carry it.
  public var labName = "devtunnel-lab"
  /// Everything that the node keeps on disk and mounts is below this directory, and is removed with it.
  public var stateDirectory: String
  /// The folder of the images (a containers/storage root). It is kept over `shutdown`, so that a second `up` need not
  /// build them again. Nil: inside the state directory, gone with it.
  public var imageDirectory: String?
  /// The bridge's own address and the Pod network, `10.97.0.1/16`.
  public var podNetwork = "10.97.0.1/16"
  /// ClusterIPs are allocated from here by the API server.
  public var serviceNetwork = "10.98.0.0/16"
  /// The cluster DNS server's address, inside the service network; Pods get it as their nameserver.
  public var clusterDNS = "10.98.0.10"
  public var clusterDomain = "cluster.local"
  /// Names outside the cluster domain that cluster DNS knows, to their IPv4 addresses: the lab has no way to the
  /// internet.
  public var extraRecords: [String: [String]] = [:]
  /// The ClusterIP of the Service `kubernetes`, for the `KUBERNETES_SERVICE_*` variables; nil leaves them out.
  public var apiServiceAddress: String?
  /// The content of `/var/run/secrets/kubernetes.io/serviceaccount/{token,ca.crt}` in Pods.
  public var serviceAccountToken = "lab"
  public var serviceAccountCA = ""
  /// The first delay before a crashed container starts again; it doubles up to `crashLoopLimit` and starts over after
  /// ten quiet minutes.
  public var crashLoopDelay: Duration = .seconds(10)
  public var crashLoopLimit: Duration = .seconds(300)

  public init(stateDirectory: String) { self.stateDirectory = stateDirectory }
}

/// The layout of the state directory.
struct NodeDirectories: Sendable {
  let state: String
  let images: String

  init(_ configuration: LabNodeConfiguration) {
    self.init(stateDirectory: configuration.stateDirectory, imageDirectory: configuration.imageDirectory)
  }

  init(stateDirectory: String, imageDirectory: String? = nil) {
    state = stateDirectory
    images = imageDirectory ?? stateDirectory + "/images"
  }

  /// Refuses a state directory that somebody else could have prepared: what stands in it is unmounted, killed and
  /// removed. An absent one is fine.
  /// - Throws: `configuration`.
  func checkOwner() throws {
    var information = stat()
    guard lstat(state, &information) == 0 else { return }
    let isOwn = information.st_mode & S_IFMT == S_IFDIR && information.st_uid == geteuid()
    guard isOwn, information.st_mode & 0o022 == 0 else {
      throw LabNodeError(
        .configuration, "\(state) must be a directory of this user alone: others could choose what is removed")
    }
  }

  var nodeNamespace: String { state + "/netns/node" }
  var runc: String { state + "/runc" }
  var pods: String { state + "/pods" }
  /// The names a later clean-up needs: see `LabNode.cleanUp`.
  var record: String { state + "/node.json" }

  func podNamespace(_ uid: String) -> String { state + "/netns/" + uid }
  func pod(_ uid: String) -> String { pods + "/" + uid }
  func volumes(_ uid: String) -> String { pod(uid) + "/volumes" }
  func container(_ uid: String, _ name: String) -> String { pod(uid) + "/containers/" + name }
}
