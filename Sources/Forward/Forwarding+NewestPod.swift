import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import TunnelProtocol

extension Forwarding {
  /// Sends new connections to the Pod that became ready last, until the task is cancelled.
  func followNewestPod() async {
    while !Task.isCancelled {
      do {
        let service = try await target.get(.services, client, namespace)
        try await follow(service[path: "spec", "ports"]?.elements ?? [])
      } catch {
        if !Task.isCancelled {
          log.warning("forward", metadata: ["target": "\(request.target)", "problem": "\(error)"])
        }
      }
      try? await Task.sleep(for: .seconds(1))
    }
  }

  private func follow(_ servicePorts: [JSONValue]) async throws(KubeError) {
    var newest = NewestEndpoint()
    var slices: [String: JSONValue] = [:]
    let selector = LabelSelector(matchLabels: ["kubernetes.io/service-name": target.name])
    var events = client.watch(.endpointSlices, namespace: namespace, labels: selector).makeAsyncIterator()
    while let event = try await events.next(isolation: self) {
      guard let object = event.object, let name = object.name else { continue }
      if case .deleted = event { slices[name] = nil } else { slices[name] = object }
      if let endpoint = newest.take(slices.values) { await lead(to: endpoint, servicePorts) }
    }
  }

  /// Sends new connections to the Pod of a workload that became ready last, until the task is cancelled.
  func followNewestPod(of resource: APIResource) async {
    while !Task.isCancelled {
      do {
        let workload = try await target.get(resource, client, namespace)
        try await follow(ForwardTarget.selector(workload))
      } catch {
        if !Task.isCancelled {
          problem = "\(error)"
          log.warning("forward", metadata: ["target": "\(request.target)", "problem": "\(error)"])
        }
      }
      try? await Task.sleep(for: .seconds(1))
    }
  }

  private func follow(_ selector: LabelSelector) async throws(KubeError) {
    var pods: [String: JSONValue] = [:]
    var last: String?
    var events = client.watch(.pods, namespace: namespace, labels: selector).makeAsyncIterator()
    while let event = try await events.next(isolation: self) {
      guard let object = event.object, let uid = object.uid else { continue }
      if case .deleted = event { pods[uid] = nil } else { pods[uid] = object }
      guard let newest = NewestPod.of(pods.values) else { continue }
      let address = newest[path: "status", "podIP"]?.stringValue
      guard address != last, address != nil else { continue }
      last = address
      problem = nil
      await lead(to: newest)
    }
  }

  private func lead(to pod: JSONValue) async {
    for port in ports {
      do throws(ControlError) {
        let preamble = try ForwardTarget.pod(port.request.remote, pod)
        await link.onLoop { loop in port.listener.get(on: loop.loop).target = preamble }
      } catch {
        problem = error.message
      }
    }
  }

  private func lead(to endpoint: NewestEndpoint.Endpoint, _ servicePorts: [JSONValue]) async {
    guard let bytes = Address.bytes(of: endpoint.address) else { return }
    for port in ports {
      guard let wanted = servicePorts.first(where: { $0.isPort(port.request.remote) }),
        let number = endpoint.ports[wanted.portName]
      else { continue }
      let preamble = Preamble(.tcp, port: number, address: bytes)
      await link.onLoop { loop in port.listener.get(on: loop.loop).target = preamble }
    }
  }
}
