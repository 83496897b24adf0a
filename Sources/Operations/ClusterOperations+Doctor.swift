import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import Shell
import Workloads

extension ClusterOperations {
  /// The permissions that intercepts, forwards and `restore` need in their namespace; templates/rbac.yaml grants the
  /// same. Reading nodes, which are in no namespace, is not included: without it the agent goes to amd64.
  static let permissions: [Permission] = granted.flatMap { grant in
    grant.verbs.split(separator: " ").map { Permission(String($0), grant.resource, grant.subresource) }
  }

  private static let granted: [(resource: APIResource, subresource: String?, verbs: String)] = [
    (.services, nil, "get list watch create patch delete"),
    (.pods, nil, "get list watch"), (.pods, "log", "get"), (.pods, "portforward", "get create"),
    (.configMaps, nil, "get create delete"), (.secrets, nil, "get create delete"),
    (.persistentVolumeClaims, nil, "get"), (.resourceQuotas, nil, "list"), (.limitRanges, nil, "list"),
    (.events, nil, "list"),
    // Only the namespace's own object, which a Role can grant.
    (.namespaces, nil, "get"),
    (.deployments, nil, "get list watch create patch delete"),
    // Watched while one is intercepted; patched by --replace and --move-connections.
    (.statefulSets, nil, "get list watch patch"), (.replicaSets, nil, "get list watch patch"),
    (.daemonSets, nil, "get list watch patch"),
    (.endpointSlices, nil, "list watch"),
    (.leases, nil, "get list create patch delete"),
  ]

  public func doctor(_ cluster: ClusterSelection, progress: @escaping Progress) async -> [DoctorCheck] {
    var checks: [DoctorCheck] = []
    let client: KubeClient
    do {
      client = try open(cluster)
    } catch {
      return [DoctorCheck("kubeconfig", .failed, error.message, remedy: error.remedy)]
    }
    let namespace = client.access.namespace
    checks.append(
      DoctorCheck(
        "kubeconfig", .ok,
        "context \(client.access.contextName), namespace \(namespace), server \(client.access.server)"))
    checks += client.access.warnings.map { DoctorCheck("kubeconfig", .warning, $0) }
    checks.append(installationCheck())
    checks.append(await shellCheck(progress))

    if cluster.bastion != nil {
      do {
        try await enterBastion(cluster, context: client.access.contextName)
        if client.access.connector != nil { checks.append(DoctorCheck("bastion", .ok, "the SSH host lets you in")) }
      } catch {
        return checks + [DoctorCheck("bastion", .failed, error.message, remedy: error.remedy)]
      }
    }
    progress("asking the API server")
    do throws(KubeError) {
      let start = ContinuousClock.now
      let version = try await client.within(.seconds(10)).serverVersion()
      checks.append(
        DoctorCheck("API server", .ok, "Kubernetes \(version), answered in \(start.duration(to: .now).milliseconds) ms")
      )
    } catch {
      checks.append(DoctorCheck("API server", .failed, "\(error)", remedy: Self.remedy(error)))
      return checks
    }
    checks.append(await permissionCheck(client, namespace, progress))
    do throws(KubeError) {
      let there = ReachedCluster(client: client, identity: try await identify(client.within(.seconds(10)), cluster))
      checks.append(await gatewayCheck(there, cluster, progress))
    } catch {
      checks.append(DoctorCheck("agent", .failed, "\(error)"))
    }
    return checks
  }

  /// Returns the first thing to check for a kind of failure.
  static func remedy(_ error: KubeError) -> String {
    let compare = "`kubectl version` should fail the same way."
    return switch error {
    case .execPlugin(let command, _, _): "Run \(command) by hand, or log in with it again; \(compare)"
    case .unauthorized: "Log in again, or look at the kubeconfig's user; \(compare)"
    case .certificate: "Look at the kubeconfig's certificates; \(compare)"
    case .config: "Correct the file that is named; \(compare)"
    case .proxy: "Look at the proxy that is named; \(compare)"
    case .unreachable, .connectionLost, .timedOut: "Look at the address and the network; \(compare)"
    case .status, .badResponse: "Look at the kubeconfig's server and at proxies before it; \(compare)"
    case .transport, .cancelled: "Try again; \(compare)"
    }
  }

  private func installationCheck() -> DoctorCheck {
    do throws(ControlError) {
      let installation = try Installation.find()
      let sizes = Architecture.allCases.compactMap { architecture in
        (try? installation.agent(architecture)).map { "\(architecture.rawValue) \($0.count / 1024) KiB" }
      }
      return DoctorCheck("installation", .ok, "agents: \(sizes.joined(separator: ", "))")
    } catch {
      return DoctorCheck("installation", .failed, error.message, remedy: error.remedy)
    }
  }

  /// Lets the helper try all steps of a shell in a throwaway child.
  private func shellCheck(_ progress: @escaping Progress) async -> DoctorCheck {
    progress("trying a shell's namespace")
    do throws(ControlError) {
      let probe = try await ShellProbe.run()
      guard let problem = probe.problem else {
        return DoctorCheck("shell", .ok, "user namespaces and nftables work: \(probe.steps) steps")
      }
      return DoctorCheck(
        "shell", .warning, "no shell is possible here: \(problem)",
        remedy: probe.remedy ?? "devtunnel connect --proxy needs none of it.")
    } catch {
      return DoctorCheck("shell", .warning, error.message, remedy: error.remedy)
    }
  }

  private func permissionCheck(_ client: KubeClient, _ namespace: String, _ progress: @escaping Progress) async
    -> DoctorCheck
  {
    progress("asking for permissions")
    let missing: [Permission]
    do throws(KubeError) {
      missing = try await client.missing(Self.permissions, namespace: namespace)
    } catch {
      return DoctorCheck("permissions", .warning, "could not be asked for: \(error)")
    }
    guard !missing.isEmpty else {
      return DoctorCheck("permissions", .ok, "all \(Self.permissions.count) that an intercept needs in \(namespace)")
    }
    return DoctorCheck(
      "permissions", .failed, "missing in \(namespace): \(missing.map(\.description).joined(separator: ", "))",
      remedy:
        "Ask an administrator for the ClusterRole `edit` in that namespace, or for the Role in templates/rbac.yaml.")
  }

  /// Starts a gateway and measures the connection through it.
  private func gatewayCheck(_ there: ReachedCluster, _ cluster: ClusterSelection, _ progress: @escaping Progress) async
    -> DoctorCheck
  {
    do throws(ControlError) {
      let start = ContinuousClock.now
      let link = try await gatewayLink(there, cluster, image: nil, progress)
      try await link.connected(within: .seconds(60))
      let took = start.duration(to: .now).milliseconds
      for _ in 0..<30 {
        if await link.figures().roundTrip != nil { break }
        try? await Task.sleep(for: .milliseconds(100))
      }
      let report = await link.report()
      let roundTrip = report.roundTripMilliseconds.map { "\(Double(Int($0 * 100)) / 100) ms" } ?? "unknown"
      return DoctorCheck(
        "agent", .ok, "a gateway started in \(took) ms; round trip \(roundTrip) over \(report.carrier ?? "?")")
    } catch {
      return DoctorCheck(
        "agent", .failed, ([error.message] + error.details).joined(separator: "; "), remedy: error.remedy)
    }
  }
}

extension Duration {
  var milliseconds: Int { Int(components.seconds * 1000) + Int(components.attoseconds / 1_000_000_000_000_000) }
}
