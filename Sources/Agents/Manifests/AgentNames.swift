import KubeObjects
import Workloads

/// The names of everything that devtunnel puts into a cluster or writes on existing objects.
public enum AgentNames {
  /// On the agent's Pods, and in the selector of an intercepted Service.
  public static let agentLabel = WorkloadFinder.agentLabel
  public static let managedByLabel = "app.kubernetes.io/managed-by"
  public static let managedBy = "devtunnel"
  /// On our own objects: their owner.
  public static let workloadAnnotation = "devtunnel.dev/workload"
  /// On an agent: its workload's kind.
  public static let kindAnnotation = "devtunnel.dev/workload-kind"
  public static let serviceAnnotation = "devtunnel.dev/service"
  public static let holderAnnotation = "devtunnel.dev/holder"
  /// Beside the holder's name: the id of the installation.
  public static let installationAnnotation = "devtunnel.dev/installation"
  /// On an intercepted Service: its former selector, as JSON.
  public static let selectorAnnotation = "devtunnel.dev/original-selector"
  /// On a workload scaled to zero by `--replace`: its former number of replicas.
  public static let replicasAnnotation = "devtunnel.dev/original-replicas"
  /// On an agent's Pod: the image that `--agent-image` named.
  static let imageAnnotation = "devtunnel.dev/agent-image"

  /// A condition of Pods that nothing ever sets, so that they are never Ready and no Service sends them traffic.
  static let neverCondition = "devtunnel.dev/never"
  public static let container = "devtunnel-agent"
  public static let mountPath = "/devtunnel"
  public static let program = "/devtunnel/agent"

  /// Returns `devtunnel-user`; a long name keeps its beginning and gets a checksum, so that names derived from it fit
  /// 63 characters. So does one with a dot, which a Service's name may not have.
  public static func base(_ workload: String) -> String {
    let name = "devtunnel-\(workload)"
    guard name.count > 48 || name.contains(".") else { return name }
    return "\(name.prefix(39).replacing(".", with: "-"))-\(checksum(workload))"
  }

  /// Returns the value of `agentLabel`.
  public static func label(_ workload: String) -> String {
    workload.count <= 63 ? workload : "\(workload.prefix(54))-\(checksum(workload))"
  }

  /// Returns the name of the headless Service that lists what the Service selected before, agents among them.
  public static func originService(_ workload: String) -> String { base(workload) + "-origin" }
  /// Returns the name of the headless Service that lists the agents alone, ready or not.
  public static func agentsService(_ workload: String) -> String { base(workload) + "-agents" }

  /// Returns the name of a new agent's Secret, and of the ConfigMap with its program. Both are immutable, and kubelets
  /// keep such an object by its name for as long as any Pod of their node needs it (Kubernetes,
  /// pkg/kubelet/util/manager). An earlier agent's Pod may end beside the new one, which would get its token.
  static func newObjects(_ workload: String) -> String {
    var generator = SystemRandomNumberGenerator()
    return "\(base(workload))-\(hexadecimal(generator.next() as UInt64))"
  }

  /// Reads that name from an agent's Pod template, which may hold anything; without one it is the agent's own.
  static func objects(in template: JSONValue, of workload: String) -> String {
    let own = template[path: "spec", "containers"]?.elements.first { $0.entryName == container }
    let token = own?["env"]?.elements.last { $0.entryName == "DEVTUNNEL_TOKEN" }
    guard let name = token?[path: "valueFrom", "secretKeyRef", "name"]?.stringValue, isName(name),
      name.hasPrefix(base(workload) + "-")
    else { return base(workload) }
    return name
  }

  /// Checks that a text can be the name of a workload (RFC 1123 subdomain): annotations and files may hold anything.
  public static func isName(_ text: String) -> Bool {
    func isPlain(_ byte: UInt8) -> Bool { (97...122).contains(byte) || (48...57).contains(byte) }
    guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 253, isPlain(first), isPlain(last)
    else { return false }
    return text.utf8.allSatisfy { isPlain($0) || $0 == 45 || $0 == 46 }
  }

  /// Returns the workload of one of our own objects; nil if its annotation does not fit its name.
  public static func workload(of object: JSONValue) -> String? {
    guard let workload = object.annotations[workloadAnnotation], isName(workload), object.name == base(workload) else {
      return nil
    }
    return workload
  }

  /// Checks that an object of a workload's name is that workload's: long names are shortened, and two may become one.
  /// An object of ours that has lost its annotation counts by its name.
  static func isOf(_ object: JSONValue, _ workload: String) -> Bool {
    object.annotations[workloadAnnotation].map { $0 == workload } ?? (object.labels[managedByLabel] == managedBy)
  }

  /// Returns 16 digits.
  static func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Returns the FNV-1a hash, 32 bits, in hexadecimal: names need a difference, not a secret.
  public static func checksum(_ text: String) -> String {
    var hash: UInt32 = 2_166_136_261
    for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
