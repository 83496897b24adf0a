/// The settings of a lab's API server.
public struct LabConfiguration: Sendable {
  /// The folder of the certificates and the kubeconfig; made if it is missing, readable by its owner alone.
  public var stateDirectory: String
  /// The address to listen on.
  public var address: String
  /// The port to listen on; 0 lets the system choose one.
  public var port: Int
  /// Addresses and names, besides `address`, `localhost` and `kubernetes.default.svc`, that the server's certificate is
  /// good for.
  public var extraNames: [String]
  /// Services get their addresses from here: four numbers, a slash and a prefix length of 8 to 28.
  public var serviceCIDR: String
  /// The address of the Service `kube-dns`, if the node answers DNS there.
  public var dnsAddress: String?
  /// The one node's name.
  public var nodeName: String
  /// User names by bearer token. They may do what RoleBindings and ClusterRoleBindings give them (the ClusterRoles
  /// `cluster-admin`, `admin`, `edit` and `view` exist), while the client certificate of the kubeconfig may do
  /// everything.
  public var tokens: [String: String]

  public init(
    stateDirectory: String, address: String = "127.0.0.1", port: Int = 0, extraNames: [String] = [],
    serviceCIDR: String = "10.98.0.0/16",
    dnsAddress: String? = nil, nodeName: String = "lab", tokens: [String: String] = [:]
  ) {
    self.stateDirectory = stateDirectory
    self.address = address
    self.port = port
    self.extraNames = extraNames
    self.serviceCIDR = serviceCIDR
    self.dnsAddress = dnsAddress
    self.nodeName = nodeName
    self.tokens = tokens
  }

  /// The file of the kubeconfig, written once the server listens.
  public var kubeconfigPath: String { stateDirectory + "/kubeconfig" }
}
