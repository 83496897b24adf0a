import Manifests

/// Applies a configuration's profiles.
struct Profiles {
  let requested: [String]
  /// nil: no profile activates itself.
  let activation: Activation?
  let reader: FieldReader

  /// - Returns: the configuration with the active profiles laid over it, and their names in the order of application.
  func apply(to configuration: YAMLNode) -> (YAMLNode, [String]) {
    let profiles = reader.elements(configuration["profiles"])
    for profile in profiles { reader.check(profile, fields) }
    var active = profiles.filter { activation?.isActive($0) ?? false }.compactMap { reader.string($0["name"]) }
    let names = profiles.compactMap { reader.required($0, "name") }
    for request in requested {
      if request.hasPrefix("-") {
        active.removeAll { $0 == request.dropFirst() }
      } else if names.contains(request), !active.contains(request) {
        active.append(request)
      }
    }
    var result = configuration
    var budget = PatchBudget()
    for name in active {
      // Of two with one name the last counts, as for Skaffold.
      if let profile = profiles.last(where: { (try? $0["name"]?.string()) == name }) {
        result = apply(profile, name, to: result, &budget)
      }
    }
    return (result, active)
  }

  /// The known fields. Sections that are ignored or unsupported are reported when the whole is read.
  private var fields: [String: FieldReader.Field] {
    var fields: [String: FieldReader.Field] = [
      "name": .read, "activation": .read, "requiresAllActivations": .read, "patches": .read,
    ]
    for section in ConfigurationReader.sections(reader.version).keys { fields[section] = .read }
    return fields
  }

  private func apply(
    _ profile: YAMLNode, _ name: String, to configuration: YAMLNode, _ budget: inout PatchBudget
  ) -> YAMLNode {
    var result = Overlay.apply(Modernizer.modernized(profile, reader.version), to: configuration)
    for node in reader.elements(profile["patches"]) where !budget.isExceeded {
      guard let patch = ProfilePatch(node, profile: name, reader) else { continue }
      let patched = reader.value(node) { _ throws(InputError) in
        try patch.apply(to: result, &budget)
      }
      if let patched { result = patched }
    }
    return result
  }
}
