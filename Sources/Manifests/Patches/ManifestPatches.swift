import KubeObjects

/// The changes to manifests with which the local builds run in the local cluster; the result equals
/// that of a kustomize patch.
public struct ManifestPatches: Sendable, Hashable {
  /// From an image's name in the manifests, without tag and digest, to the immutable reference that replaces it.
  public var images: [String: String]
  /// From an image's name to the tag that stands for it until it is built; see `Manifest.hasPlaceholders`.
  public var placeholders: [String: String] = [:]
  /// True if Pods get `dnsPolicy: Default`, so that they use their node's resolver: in a dev loop, the tunnel.
  public var dnsPolicy: Bool
  /// True if containers with one of `images` get `imagePullPolicy: IfNotPresent`: `Always`, the default for `:latest`,
  /// would pull an image that is in no registry.
  public var pullPolicy: Bool
  /// The namespace of objects that name none; cluster-wide kinds are left alone.
  public var namespace: String?

  public init(images: [String: String] = [:], dnsPolicy: Bool = true, pullPolicy: Bool = true, namespace: String? = nil)
  {
    self.images = images
    self.dnsPolicy = dnsPolicy
    self.pullPolicy = pullPolicy
    self.namespace = namespace
  }

  /// Returns the manifests with the patches, in their order.
  public func apply(to manifests: [Manifest]) -> [Manifest] {
    let clusterWide = Self.clusterWideKinds(manifests)
    return manifests.map { manifest in
      // Its schema may have a property of that name.
      if manifest.kind == "CustomResourceDefinition" { return manifest }
      var patched = manifest
      PodSpecs.forEachContainer(in: &patched.object, setImage)
      if manifest.hasPlaceholders { fill(&patched.object) }
      if dnsPolicy { setDNSPolicy(&patched.object, manifest) }
      if let namespace, manifest.namespace == nil, !clusterWide.contains(manifest.kind) {
        patched.namespace = namespace
      }
      return patched
    }
  }

  /// Returns the names of `images` that no container in the manifests uses, sorted: probably misspelt.
  public func unusedImages(in manifests: [Manifest]) -> [String] {
    var used: Set<String> = []
    for manifest in manifests where manifest.kind != "CustomResourceDefinition" {
      var object = manifest.object
      PodSpecs.forEachContainer(in: &object) { container in
        guard let image = container["image"]?.stringValue.map(ImageName.init) else { return }
        used.insert(placeholders.first { $0.value == image.tag }?.key ?? image.name)
      }
    }
    return images.keys.filter { !used.contains($0) }.sorted()
  }

  private func setImage(_ container: inout JSONValue) {
    guard let image = container["image"]?.stringValue.map(ImageName.init) else { return }
    // A chart may write the name in another way, but nobody else's tag is a placeholder.
    let name = placeholders.first { $0.value == image.tag }?.key ?? image.name
    guard let reference = images[name] else { return }
    container["image"] = .string(reference)
    if pullPolicy { container["imagePullPolicy"] = "IfNotPresent" }
  }

  /// Writes the images' tags, or else their digests, in the places of the placeholders.
  private func fill(_ value: inout JSONValue) {
    switch value {
    case .string(var text):
      for (name, placeholder) in placeholders where text.contains(placeholder) {
        guard let image = images[name].map(ImageName.init) else { continue }
        let tag = image.tag ?? image.digest.map { String($0.drop { $0 != ":" }.dropFirst().prefix(63)) } ?? "latest"
        text = Self.replacing(placeholder, in: text, with: tag)
      }
      value = .string(text)
    case .array(var elements):
      for index in elements.indices { fill(&elements[index]) }
      value = .array(elements)
    case .object(var members):
      for key in Array(members.keys) {
        guard var child = members[key] else { continue }
        fill(&child)
        members[key] = child
      }
      value = .object(members)
    default: break
    }
  }

  /// Replaces a placeholder where no digit follows: `…-1` begins `…-12`.
  private static func replacing(_ placeholder: String, in text: String, with tag: String) -> String {
    var result = ""
    var rest = Substring(text)
    while let found = rest.firstRange(of: placeholder) {
      let isLonger = rest[found.upperBound...].first?.isNumber ?? false
      result += rest[..<found.lowerBound] + (isLonger ? placeholder : tag)
      rest = rest[found.upperBound...]
    }
    return result + rest
  }

  private func setDNSPolicy(_ object: inout JSONValue, _ manifest: Manifest) {
    guard let path = PodSpecs.path(kind: manifest.kind, apiVersion: manifest.apiVersion) else { return }
    func set(_ value: inout JSONValue, _ path: ArraySlice<String>) {
      guard value.objectValue != nil else { return }
      guard let key = path.first else {
        value["dnsPolicy"] = "Default"
        return
      }
      guard var child = value[key] else { return }
      set(&child, path.dropFirst())
      value[key] = child
    }
    set(&object, path[...])
  }

  /// Kubernetes' own cluster-wide kinds, and those that a CustomResourceDefinition in the manifests defines.
  private static func clusterWideKinds(_ manifests: [Manifest]) -> Set<String> {
    PodSpecs.clusterWide.union(
      manifests.filter { $0.kind == "CustomResourceDefinition" && $0.object[path: "spec", "scope"] == "Cluster" }
        .compactMap { $0.object[path: "spec", "names", "kind"]?.stringValue })
  }
}
