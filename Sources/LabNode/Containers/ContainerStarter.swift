import KubeObjects

/// Makes one run of a container out of its specification: image, environment, files, runc.
struct ContainerStarter: Sendable {
  struct Started: Sendable {
    var process: ContainerProcess
    var identifier: String
    var imageID: String
    var log: ContainerLog
    var rootFileSystem: RootFileSystem
    var terminationLog: String
  }

  let node: NodeServices
  let pod: PodReference
  let volumes: PodVolumes

  /// - Parameter attempt: the run's number, from 0.
  /// - Throws: `imageMissing`, `containerConfig`, or `commandFailed` in runc's words; nothing is left of the attempt
  ///   then.
  func start(_ container: JSONValue, attempt: Int) async throws -> Started {
    let name = container["name"]?.stringValue ?? ""
    guard EntryName.isOne(name) else {
      throw LabNodeError(.containerConfig, "the container's name \"\(name)\" is no name of a file")
    }
    let wanted = container["image"]?.stringValue ?? ""
    guard let image = try await node.images.find(wanted) else {
      throw LabNodeError(
        .imageMissing, "image \"\(wanted)\" is not in the lab, which asks no registry: build or import it there")
    }
    let lower = try await node.images.rootFileSystem(of: image)
    let root = RootFileSystem(directory: node.directories.container(pod.uid, name) + "/\(attempt)")
    do {
      try await root.make(from: lower)
      let terminationLog = root.directory + "/termination-log"
      try Files.write("", to: terminationLog, mode: 0o666)
      var spec = try await specification(container, image, root, lower)
      for index in spec.mounts.indices {
        guard let opened = spec.mounts[index].opened else { continue }
        spec.mounts[index].source = try root.bind(opened, index)
      }
      spec.mounts.append(
        RuntimeSpec.Mount(
          source: terminationLog,
          destination: container["terminationMessagePath"]?.stringValue ?? "/dev/termination-log", isReadOnly: false))
      let identifier = "\(pod.uid)-\(name)-\(attempt)"
      spec.cgroup = node.runc.hasCgroups ? "/\(node.configuration.labName)/\(identifier)" : nil
      try Files.write(spec.json().serialized(), to: root.directory + "/config.json")
      let log = try ContainerLog(path: ContainerStarter.logPath(node.directories, pod.uid, name, attempt))
      let process = try await node.runc.run(identifier, bundle: root.directory, log: log)
      return Started(
        process: process, identifier: identifier, imageID: "sha256:" + image.identifier, log: log, rootFileSystem: root,
        terminationLog: terminationLog)
    } catch {
      root.remove()
      throw error
    }
  }

  static func logPath(_ directories: NodeDirectories, _ uid: String, _ container: String, _ attempt: Int) -> String {
    directories.pod(uid) + "/logs/\(container).\(attempt).log"
  }

  private func specification(_ container: JSONValue, _ image: Image, _ root: RootFileSystem, _ lower: String)
    async throws -> RuntimeSpec
  {
    let variables = try await ContainerEnvironment(store: node.store, pod: pod).variables(of: container)
    let own = Set(variables.map(\.name))
    let environment = base(image).filter { !own.contains($0.name) } + variables
    let known = Dictionary(environment.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    let directory = container["workingDir"]?.stringValue ?? image.workingDirectory
    return RuntimeSpec(
      arguments: try Self.arguments(container, image, known), environment: environment,
      workingDirectory: directory.isEmpty ? "/" : directory,
      user: try ContainerUser(pod: pod.spec, container: container, imageUser: image.user, rootFileSystem: lower),
      hostname: pod.hostname,
      rootFileSystem: root.path, networkNamespace: node.directories.podNamespace(pod.uid),
      mounts: try hostFiles() + volumes.mounts(of: container, variables: known),
      container: container, cgroup: nil, openFilesLimit: node.openFilesLimit)
  }

  /// The Pod's `command` replaces the image's entrypoint and command, `args` for the image's command alone.
  /// - Throws: `containerConfig` for more than a process can be given: a variable may be in many arguments.
  static func arguments(_ container: JSONValue, _ image: Image, _ variables: [String: String]) throws -> [String] {
    var left = VariableExpansion.mostBytes
    func strings(_ key: String) throws -> [String] {
      try (container[key]?.arrayValue?.compactMap(\.stringValue) ?? []).map { text in
        let limit = min(left, VariableExpansion.longestString)
        guard let expanded = VariableExpansion.expand(text, variables, limit: limit) else {
          throw LabNodeError(.containerConfig, "\(key) is longer than a process can be given, with its variables")
        }
        // Each argument costs a pointer too.
        left = max(0, left - expanded.utf8.count - MemoryLayout<Int>.size)
        return expanded
      }
    }
    let command = try strings("command")
    let arguments = try strings("args")
    let all = command.isEmpty ? image.entrypoint + (arguments.isEmpty ? image.command : arguments) : command + arguments
    guard !all.isEmpty else {
      throw LabNodeError(.containerConfig, "no command specified: neither the container nor its image has one")
    }
    return all
  }

  private func base(_ image: Image) -> [(name: String, value: String)] {
    var environment: [(name: String, value: String)] = [
      ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("HOSTNAME", pod.hostname),
    ]
    if let address = node.configuration.apiServiceAddress, pod.spec["enableServiceLinks"]?.boolValue != false {
      environment += [
        ("KUBERNETES_SERVICE_HOST", address), ("KUBERNETES_SERVICE_PORT", "443"),
        ("KUBERNETES_SERVICE_PORT_HTTPS", "443"),
        ("KUBERNETES_PORT", "tcp://\(address):443"), ("KUBERNETES_PORT_443_TCP", "tcp://\(address):443"),
        ("KUBERNETES_PORT_443_TCP_ADDR", address), ("KUBERNETES_PORT_443_TCP_PORT", "443"),
        ("KUBERNETES_PORT_443_TCP_PROTO", "tcp"),
      ]
    }
    for entry in image.environment {
      let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      environment.removeAll { $0.name == parts[0] }
      environment.append((parts[0], parts.count > 1 ? parts[1] : ""))
    }
    return environment
  }

  /// The three files that all containers of a Pod share.
  private func hostFiles() throws -> [RuntimeSpec.Mount] {
    let files = HostFiles(
      pod: pod, clusterDNS: node.configuration.clusterDNS, clusterDomain: node.configuration.clusterDomain)
    let directory = node.directories.pod(pod.uid) + "/etc"
    return try [("hosts", files.hosts), ("resolv.conf", files.resolvConf), ("hostname", pod.hostname + "\n")].map {
      name, text in
      if !Files.exists(directory + "/" + name) {
        try Files.makeDirectory(directory)
        try Files.write(text, to: directory + "/" + name)
      }
      return RuntimeSpec.Mount(source: directory + "/" + name, destination: "/etc/" + name, isReadOnly: false)
    }
  }
}
