import KubeObjects

/// The lab's images: a containers/storage of its own, filled by buildah. No registry is asked, ever.
public actor ImageStore {
  private let buildah: Command
  private let directory: String
  private var cache: [ImageReference: Image] = [:]
  private var cachedIndex: [UInt8]?
  private var rootFileSystems: [String: Task<String, any Error>] = [:]

  /// - Throws: `missingProgram` where buildah is not installed.
  public init(directory: String) throws {
    buildah = try Command("buildah", package: "buildah")
    self.directory = directory
  }

  /// The arguments with which other programs put images here: `buildah <these> build …`. The driver vfs keeps plain
  /// directories and mounts nothing.
  public nonisolated var storageArguments: [String] {
    ["--root", directory + "/storage", "--runroot", directory + "/run", "--storage-driver", "vfs"]
  }

  /// Builds an image from a directory with a Dockerfile. Without a registry its stages begin `FROM scratch` or from an
  /// image that is here.
  public func build(_ name: String, contextDirectory: String) async throws {
    try Files.makeDirectory(directory)
    try await buildah(
      storageArguments + [
        "build", "--isolation", "chroot", "--pull-never", "--layers=false", "--tag", name, contextDirectory,
      ])
  }

  /// The names of the images here, as buildah has them.
  public func names() async throws -> [String] {
    guard Files.exists(directory + "/storage") else { return [] }
    let listing = try JSONValue(parsing: try await buildah(storageArguments + ["images", "--json"]))
    return listing.elements.flatMap { ($0["names"]?.elements ?? []).compactMap(\.stringValue) }
  }

  /// The image of that name, nil where there is none.
  func find(_ name: String) async throws -> Image? {
    // The storage's index changes whenever an image comes, goes or gets a name, by whichever program.
    let index = Files.read(directory + "/storage/vfs-images/images.json")
    if index != cachedIndex { (cache, cachedIndex) = ([:], index) }
    let reference = ImageReference(name)
    if let known = cache[reference] { return known }
    guard index != nil, let stored = try await storedName(of: reference) else { return nil }
    guard
      let image = Image(
        inspected: try JSONValue(parsing: try await buildah(storageArguments + ["inspect", "--type", "image", stored])))
    else {
      throw LabNodeError(.imageMissing, "buildah says nothing about the image \(stored)")
    }
    cache[reference] = image
    return image
  }

  private func storedName(of reference: ImageReference) async throws -> String? {
    let listing = try JSONValue(parsing: try await buildah(storageArguments + ["images", "--json"]))
    for image in listing.elements {
      let names = (image["names"]?.elements ?? []).compactMap(\.stringValue)
      let isNamed = names.contains {
        ImageReference($0) == reference
          || ImageReference($0).name + "@" + (image["digest"]?.stringValue ?? "") == reference.description
      }
      if isNamed { return image["id"]?.stringValue }
    }
    return nil
  }

  /// The image's files as a directory to read from; unpacked at the first call.
  func rootFileSystem(of image: Image) async throws -> String {
    if let known = rootFileSystems[image.identifier] { return try await known.value }
    let (buildah, arguments) = (buildah, storageArguments)
    let task = Task {
      let name = "devtunnel-" + image.identifier.prefix(12)
      if try await buildah.result(arguments + ["mount", name]).status != 0 {
        try await buildah(arguments + ["from", "--pull-never", "--name", name, image.identifier])
      }
      return try await buildah(arguments + ["mount", name]).trimmed
    }
    rootFileSystems[image.identifier] = task
    do { return try await task.value } catch {
      rootFileSystems[image.identifier] = nil
      throw error
    }
  }
}
