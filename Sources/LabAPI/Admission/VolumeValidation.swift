import KubeObjects

/// Mistakes in a Pod's volumes. Their names and paths become those of directories and files of the node.
enum VolumeValidation {
  static func volumes(_ volumes: [JSONValue], at path: String) -> [FieldCause] {
    var causes: [FieldCause] = []
    var seen: Set<String> = []
    for (index, volume) in volumes.enumerated() {
      let place = "\(path)[\(index)]"
      let name = volume["name"]?.stringValue ?? ""
      if name.isEmpty {
        causes.append(FieldCause(.required, "\(place).name", "Required value"))
      } else if !NameRules.isLabel(name[...]) {
        causes.append(FieldCause(.invalid, "\(place).name", "Invalid value: \"\(name)\": \(NameRules.labelRule)"))
      } else if !seen.insert(name).inserted {
        causes.append(FieldCause(.duplicate, "\(place).name", "Duplicate value: \"\(name)\""))
      }
      let sources = (volume.objectValue ?? [:]).keys.filter { $0 != "name" }.sorted()
      for other in sources.dropFirst() {
        causes.append(
          FieldCause(.forbidden, "\(place).\(other)", "Forbidden: may not specify more than 1 volume type"))
      }
      for source in ["configMap", "secret", "downwardAPI", "projected"] {
        if let content = volume[source] { causes += Self.content(content, at: "\(place).\(source)") }
      }
      for (index, source) in (volume[path: "projected", "sources"]?.elements ?? []).enumerated() {
        let place = "\(place).projected.sources[\(index)]"
        for kind in ["configMap", "secret", "downwardAPI"] {
          if let content = source[kind] { causes += Self.content(content, at: "\(place).\(kind)") }
        }
        if let token = source["serviceAccountToken"] {
          causes += file(token["path"], at: "\(place).serviceAccountToken.path")
        }
      }
    }
    return causes
  }

  private static func content(_ source: JSONValue, at path: String) -> [FieldCause] {
    var causes = mode(source["defaultMode"], at: "\(path).defaultMode")
    for (index, item) in (source["items"]?.elements ?? []).enumerated() {
      causes += file(item["path"], at: "\(path).items[\(index)].path")
      causes += mode(item["mode"], at: "\(path).items[\(index)].mode")
    }
    return causes
  }

  private static func file(_ path: JSONValue?, at field: String) -> [FieldCause] {
    let text = path?.stringValue ?? ""
    if text.isEmpty { return [FieldCause(.required, field, "Required value")] }
    return PathRules.mistake(text, isFile: true).map {
      [FieldCause(.invalid, field, "Invalid value: \"\(text)\": \($0)")]
    }
      ?? []
  }

  private static func mode(_ mode: JSONValue?, at field: String) -> [FieldCause] {
    guard let mode, !(mode.intValue.map { (0...0o777).contains($0) } ?? false) else { return [] }
    let rule = "must be a number between 0 and 0777 (octal), both inclusive"
    return [FieldCause(.invalid, field, "Invalid value: \(mode): \(rule)")]
  }

  /// - Parameter volumes: the names of the Pod's volumes.
  static func mounts(_ mounts: [JSONValue], at path: String, volumes: Set<String>) -> [FieldCause] {
    var causes: [FieldCause] = []
    var seen: Set<String> = []
    for (index, mount) in mounts.enumerated() {
      let place = "\(path)[\(index)]"
      let volume = mount["name"]?.stringValue ?? ""
      if !volumes.contains(volume) {
        causes.append(FieldCause(.invalid, "\(place).name", "Not found: \"\(volume)\""))
      }
      let target = mount["mountPath"]?.stringValue ?? ""
      if target.isEmpty {
        causes.append(FieldCause(.required, "\(place).mountPath", "Required value"))
      } else if !seen.insert(target).inserted {
        causes.append(FieldCause(.invalid, "\(place).mountPath", "Invalid value: \"\(target)\": must be unique"))
      }
      for field in ["subPath", "subPathExpr"] {
        guard let sub = mount[field]?.stringValue, let mistake = PathRules.mistake(sub, isFile: false) else { continue }
        causes.append(FieldCause(.invalid, "\(place).\(field)", "Invalid value: \"\(sub)\": \(mistake)"))
      }
      if mount["subPath"] != nil, mount["subPathExpr"] != nil {
        causes.append(
          FieldCause(.invalid, "\(place).subPathExpr", "Invalid value: subPathExpr and subPath are mutually exclusive"))
      }
    }
    return causes
  }
}
