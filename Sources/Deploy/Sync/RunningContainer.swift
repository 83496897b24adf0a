import KubeObjects

/// A container that runs, as a command in it or a sync into it needs it.
struct RunningContainer: Sendable, Hashable {
  var namespace: String
  var pod: String
  var name: String
  /// As the manifests write it.
  var image: String
  /// The instance's ID.
  var instance: String
  /// True for an init container: a sidecar, or one that has not ended.
  var isInit: Bool

  /// Returns a Pod's running containers, the ordinary ones first.
  static func all(of pod: JSONValue) -> [RunningContainer] {
    guard let namespace = pod.namespace, let name = pod.name else { return [] }
    func running(_ specs: [JSONValue], _ statuses: [ContainerStatus], isInit: Bool) -> [RunningContainer] {
      specs.compactMap { spec in
        guard let status = statuses.first(where: { $0.name == spec.entryName && $0.isRunning }),
          let image = spec["image"]?.stringValue, let instance = status.containerID
        else { return nil }
        return RunningContainer(
          namespace: namespace, pod: name, name: status.name, image: image, instance: instance, isInit: isInit)
      }
    }
    return running(pod.ordinaryContainers, pod.containerStatuses, isInit: false)
      + running(pod.initContainers, pod.initContainerStatuses, isInit: true)
  }
}
