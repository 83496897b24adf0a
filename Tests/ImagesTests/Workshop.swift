import FoundationEssentials
import Glibc
import Skaffold

@testable import Images

/// A directory of a test's own with contexts, fake programs and builders' stores; goes with it.
final class Workshop: Sendable {
  let directory: String

  init() throws {
    var template = Array("/var/tmp/images-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try FileManager.default.createDirectory(atPath: directory + "/bin", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: directory + "/tmp", withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  /// Fake programs first, then the shell's own.
  var environment: [String: String] {
    [
      "PATH": directory + "/bin:" + directory + "/tools", "HOME": directory, "TMPDIR": directory + "/tmp",
      "BUILDAH_ISOLATION": "chroot", "SHOP": directory,
    ]
  }

  /// The machine's own programs.
  var realEnvironment: [String: String] { environment.merging(["PATH": "/usr/local/bin:/usr/bin:/bin"]) { $1 } }

  func write(_ text: String, to path: String) throws {
    let full = directory + "/" + path
    try FileManager.default.createDirectory(
      atPath: URL(filePath: full).deletingLastPathComponent().path(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(filePath: full))
  }

  func read(_ path: String) -> String {
    FileManager.default.contents(atPath: directory + "/" + path).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  func lines(_ path: String) -> [String] { read(path).split(separator: "\n").map(String.init) }

  func names(in path: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: directory + "/" + path)) ?? []
  }

  /// A program in `bin` that notes its arguments in `NAME.log` and goes on with the script.
  func program(_ name: String, _ script: String = "") throws {
    let path = directory + "/bin/" + name
    try Data("#!/bin/sh\nPATH=/usr/bin:/bin\necho \"$@\" >> \"$SHOP/\(name).log\"\n\(script)\n".utf8).write(
      to: URL(filePath: path))
    chmod(path, 0o755)
  }

  /// A builder that "builds" an image whose id is made of the context's file `id`, and keeps it as an empty directory.
  func fakeBuilder(_ name: String = "buildah", before: String = "") throws {
    try program(
      name,
      """
      case "$1" in
      info) echo "$SHOP/store overlay"; exit;;
      images) cat "$SHOP/images" 2> /dev/null; exit 0;;
      build) ;;
      *) exit 0;;
      esac
      for context; do :; done
      \(before)
      id=$(cat "$context/id" | cksum | cut -d' ' -f1)
      id=$(printf '%064d' "$id")
      mkdir -p "$SHOP/store/overlay-images/$id"
      while [ $# -gt 0 ]; do [ "$1" = --iidfile ] && echo "sha256:$id" > "$2"; shift; done
      """)
  }

  func artifact(
    _ image: String, id: String = "1", requires: [Artifact.Requirement] = [],
    dockerfile: String = "FROM scratch\nCOPY id /\n"
  ) throws -> Artifact {
    try write(id, to: image + "/id")
    try write(dockerfile, to: image + "/Dockerfile")
    return Artifact(
      image: image, context: directory + "/" + image,
      build: .docker(DockerBuild(dockerfile: directory + "/" + image + "/Dockerfile")), requires: requires)
  }

  /// A builder whose digest of an artifact is the text of its context's files, but for programs.
  func builder(
    _ kind: BuilderKind = .buildah, environment: [String: String]? = nil, _ settings: BuildSettings = BuildSettings()
  ) -> ImageBuilder {
    ImageBuilder(
      kind: kind, cacheDirectory: directory + "/cache", environment: environment ?? self.environment, settings: settings
    ) { artifact in
      let names = ((try? FileManager.default.contentsOfDirectory(atPath: artifact.context)) ?? []).filter {
        $0 != "busybox"
      }.sorted()
      return names.map {
        $0 + "="
          + (FileManager.default.contents(atPath: artifact.context + "/" + $0).map {
            String(decoding: $0, as: UTF8.self)
          } ?? "")
      }
      .joined(separator: "\n")
    }
  }

  /// Returns true if the process with that id runs; a process that has ended but was not waited for does not.
  static func isAlive(_ pid: Int32) -> Bool {
    guard let status = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return false }
    return !String(decoding: status, as: UTF8.self).contains(") Z ")
  }
}

/// The error that the body throws, nil for none.
func buildError(_ body: () async throws(BuildError) -> Void) async -> BuildError? {
  do throws(BuildError) {
    try await body()
    return nil
  } catch { return error }
}
