#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension Kubeconfig {
  /// Reads the files that kubectl would read.
  /// - Parameters:
  ///   - path: `--kubeconfig`: only this file, and it must exist.
  ///   - environment: `KUBECONFIG` lists files, of which missing ones are skipped; without it
  ///     `HOME/.kube/config` counts.
  /// - Returns: nil if there is no kubeconfig at all.
  /// - Throws: `KubeError.config` for a file that cannot be read.
  public static func load(
    path: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(KubeError) -> Kubeconfig? {
    if let path, !path.isEmpty { return try read(path) }
    var files: [String] = []
    if let list = environment["KUBECONFIG"], !list.isEmpty {
      files = list.split(separator: ":").map(String.init)
    } else if let home = environment["HOME"], !home.isEmpty {
      files = [(home == "/" ? "" : home) + "/.kube/config"]
    }
    var merged: Kubeconfig?
    for file in files where FileManager.default.fileExists(atPath: file) {
      let config = try read(file)
      if merged == nil { merged = config } else { merged?.merge(config) }
    }
    return merged
  }

  private static func read(_ path: String) throws(KubeError) -> Kubeconfig {
    try Kubeconfig(parsing: String(decoding: try readFile(path, limit: 8 << 20), as: UTF8.self), file: path)
  }
}

extension ClusterAccess {
  /// Returns the cluster that kubectl would use: from a kubeconfig, else as a Pod's ServiceAccount.
  /// - Throws: `KubeError.config` if neither exists, or if it cannot be used.
  public static func load(
    kubeconfig path: String? = nil, context: String? = nil, namespace: String? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(KubeError) -> ClusterAccess {
    let config = try Kubeconfig.load(path: path, environment: environment)
    if let config, !config.contexts.isEmpty || context != nil || path != nil {
      return try config.access(context: context, namespace: namespace)
    }
    if let access = try inCluster(namespace: namespace, environment: environment) { return access }
    let looked = environment["KUBECONFIG"] ?? "\(environment["HOME"] ?? "~")/.kube/config"
    throw .config(
      file: looked, problem: config == nil ? "no kubeconfig was found" : "it has no contexts",
      remedy: "set KUBECONFIG, or pass --kubeconfig, to the file for your cluster")
  }
}
