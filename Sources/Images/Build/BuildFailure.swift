import Manifests

/// The interpretation of a failed builder's output.
struct BuildFailure: Sendable {
  /// The program's name, for the message.
  var tool: String
  var status: Int32
  /// The last lines of its output.
  var output: [String]
  /// The directories it writes to: checked if a disk is full and the message names no file.
  var places: [String]
  /// For the step's line.
  var dockerfile: String?

  /// - Parameters:
  ///   - reason: for a failure that is none of the known ones.
  ///   - problem: the action that failed.
  func error(_ reason: BuildError.Reason, _ problem: String) -> BuildError {
    if let full = fullDisk() {
      return BuildError(.diskFull, "\(problem): \(full)", output: output, remedy: BuildError.roomRemedy)
    }
    if isDaemonDown {
      return BuildError(
        .daemonDown, "docker's daemon does not answer: \(lastWords)", output: output,
        remedy:
          "start it (systemctl start docker, or Docker Desktop), select another (DOCKER_HOST, docker context use), "
          + "or use another builder"
      )
    }
    if let step {
      let place = dockerfile.flatMap { file in line(of: step, in: file).map { SourcePosition(file: file, line: $0) } }
      return BuildError(
        .stepFailed, "the step `\(step)` failed: \(lastWords)", output: output, position: place, remedy: remedy)
    }
    if reason == .commandFailed, let image = unreachableBase {
      let place = dockerfile.flatMap { file in
        DockerfileSteps(file).line(naming: image).map { SourcePosition(file: file, line: $0) }
      }
      return BuildError(
        .commandFailed, "the base image \(image) cannot be pulled: \(lastWords)", output: output, position: place,
        remedy: baseRemedy)
    }
    return BuildError(
      reason, "\(problem): \(tool) ended with status \(status): \(lastWords)", output: output, remedy: remedy)
  }

  /// The last line that is not blank.
  private var lastWords: String {
    let words = output.last { !$0.allSatisfy(\.isWhitespace) } ?? "it said nothing"
    let text = words.hasPrefix("Error: ") ? String(words.dropFirst(7)) : words
    // buildah writes whole requests into its errors; the cause comes last. All of it stays in the error's `output`.
    return text.count <= Self.longest ? text : "…" + text.suffix(Self.longest)
  }

  private var isDaemonDown: Bool {
    let marks = ["Cannot connect to the Docker daemon", "trying to connect to the docker API", "docker daemon socket"]
    return output.contains { line in marks.contains { line.contains($0) } }
  }

  private func fullDisk() -> String? {
    if let line = output.last(where: {
      $0.lowercased().contains("no space left on device") || $0.lowercased().contains("disk quota exceeded")
    }) {
      // "write /var/tmp/layer: no space left on device": take the fullest, since not every named file is on
      // the full one.
      let named = line.split(whereSeparator: { " :\"',".contains($0) }).filter { $0.hasPrefix("/") && $0.count > 1 }
        .map(String.init)
      return FileSystemSpace.fullest(of: named + places).map { "the file system \($0) is full" } ?? "the disk is full"
    }
    // buildah reports a layer that did not fit as a closed pipe.
    guard output.contains(where: { $0.contains("read/write on closed pipe") || $0.contains("short write") }),
      let space = FileSystemSpace.fullest(of: places), space.free < Self.little
    else { return nil }
    return "the file system \(space) is nearly full"
  }

  private static let little: UInt64 = 16 << 20
  private static let longest = 300

  /// The Dockerfile's step that failed, as buildah and podman, BuildKit, and Docker's old builder report it.
  private var step: String? {
    for line in output.reversed() {
      if let step = line.firstMatch(of: #/building at STEP "(.+?)": /#) { return String(step.1) }
      if let step = line.firstMatch(of: #/^ > \[[^\]]*\d+/\d+\] (.+?):?$/#) { return String(step.1) }
      if let step = line.firstMatch(of: #/The command '(.+)' returned a non-zero code/#) { return String(step.1) }
    }
    return nil
  }

  /// The image that could not be pulled, in the words of buildah and podman, and of BuildKit.
  private var unreachableBase: String? {
    for line in output.reversed() {
      if let image = line.firstMatch(of: #/initializing source docker:\/\/(\S+?): /#) { return String(image.1) }
      if let image = line.firstMatch(of: #/failed to resolve source metadata for (\S+?): /#) { return String(image.1) }
    }
    return nil
  }

  private var baseRemedy: String {
    let text = output.joined(separator: "\n")
    let isAway = [
      "no such host", "i/o timeout", "connection refused", "unreachable", "no route to host", "deadline exceeded",
      "Temporary failure in name resolution", "TLS handshake timeout",
    ]
    if isAway.contains(where: { text.contains($0) }) {
      return
        "check the network, the proxy (HTTPS_PROXY) and the registry's name; an image that the builder has already "
        + "is not pulled"
    }
    return remedy ?? "correct the image's name in FROM, or log in to its registry"
  }

  private var remedy: String? {
    let text = output.joined(separator: "\n")
    if text.contains("cgroup") || text.contains("runc") && text.contains("namespace") {
      return
        "if this machine allows no container runtime, set BUILDAH_ISOLATION=chroot for buildah and podman"
    }
    if text.contains("http: server gave HTTP response to HTTPS client") {
      return "name the registry under build.insecureRegistries"
    }
    if text.contains("pinging container registry") {
      return "make sure that the registry runs and can be reached from here, or choose another way with --load"
    }
    if text.contains("authentication required") || text.contains("unauthorized") {
      return "log in: docker login, podman login or buildah login"
    }
    return nil
  }

  private func line(of step: String, in file: String) -> Int? {
    // BuildKit reports it by itself.
    for line in output { if let place = line.firstMatch(of: #/^[^ ]*Dockerfile[^ ]*:(\d+)$/#) { return Int(place.1) } }
    return DockerfileSteps(file).line(of: step)
  }
}
