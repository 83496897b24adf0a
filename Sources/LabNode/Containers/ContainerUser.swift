import KubeObjects

/// The user of a container's process.
struct ContainerUser: Sendable, Equatable {
  var uid: UInt32
  var gid: UInt32
  var groups: [UInt32] = []

  /// The Pod's and the container's security context over the image's user, names looked up in the image's own files.
  /// - Parameter rootFileSystem: the folder of the image's `/etc/passwd` and `/etc/group`.
  /// - Throws: `containerConfig` in the kubelet's words.
  init(pod: JSONValue, container: JSONValue, imageUser: String, rootFileSystem: String) throws {
    func setting(_ key: String) -> JSONValue? {
      container[path: "securityContext", key] ?? pod[path: "securityContext", key]
    }
    let parts = imageUser.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    let passwd = Self.entries("etc/passwd", in: rootFileSystem)
    let imageEntry = passwd.first { $0[0] == parts.first || $0[2] == parts.first }
    let stated = try setting("runAsUser")?.intValue.map { try Self.number($0, "runAsUser") }
    guard let user = stated ?? imageEntry.flatMap({ UInt32($0[2]) }) ?? (imageUser.isEmpty ? 0 : UInt32(parts[0]))
    else {
      throw LabNodeError(.containerConfig, "the image's user \(parts[0]) is not in its /etc/passwd")
    }
    uid = user
    if setting("runAsNonRoot")?.boolValue == true, uid == 0 {
      throw LabNodeError(.containerConfig, "container has runAsNonRoot and image will run as root")
    }
    if let group = setting("runAsGroup")?.intValue {
      gid = try Self.number(group, "runAsGroup")
    } else if stated == nil, parts.count > 1 {
      guard
        let group = UInt32(parts[1])
          ?? Self.entries("etc/group", in: rootFileSystem).first(where: { $0[0] == parts[1] }).flatMap({ UInt32($0[2]) }
          )
      else { throw LabNodeError(.containerConfig, "the image's group \(parts[1]) is not in its /etc/group") }
      gid = group
    } else {
      gid = passwd.first { $0[2] == String(user) }.flatMap { $0.count > 3 ? UInt32($0[3]) : nil } ?? 0
    }
    groups = try (pod[path: "securityContext", "supplementalGroups"]?.elements ?? []).compactMap {
      try $0.intValue.map { try Self.number($0, "supplementalGroups") }
    }
    if let group = pod[path: "securityContext", "fsGroup"]?.intValue {
      groups.append(try Self.number(group, "fsGroup"))
    }
  }

  /// The API's ids are those of an `int32`; another number must not become the id 0 by losing its upper bits.
  static func number(_ id: Int, _ field: String) throws -> UInt32 {
    guard (0...Int(Int32.max)).contains(id) else {
      throw LabNodeError(.containerConfig, "\(field) \(id) must be between 0 and 2147483647")
    }
    return UInt32(id)
  }

  /// Longer files are not read.
  private static let longestFile = 1 << 20

  /// Reads a file of the image, which may be anything: its links lead to other files of the image.
  private static func entries(_ path: String, in rootFileSystem: String) -> [[String]] {
    let file = try? HeldEntry.find(path, in: rootFileSystem, root: .directory)
    return String(decoding: file?.read(limit: longestFile) ?? [], as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init) }.filter { $0.count > 2 }
  }
}
