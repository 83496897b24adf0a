@testable import Watching

extension Harness {
  static let dockerfile = Harness(
    name: "dockerfile", usualLength: 192,
    dictionary: [
      "FROM ", " AS ", "ARG ", "ENV ", "COPY ", "--from=", "ADD ", "RUN ", "--mount=type=bind,source=", "<<EOF\n",
      "EOF\n", "\\\n", "# escape=`\n", "# syntax=", "${", ":-", ":+", "}", "$A",
      "[\"", "\", \"", "\"]", "scratch", "https://", "'", "\"",
    ]
  ) { bytes in
    do {
      let sources = try DockerfileSources(
        parsing: String(decoding: bytes, as: UTF8.self), file: "Dockerfile", buildArgs: ["A": "a"])
      try promise(
        sources.paths == sources.paths.sorted() && !sources.images.contains("scratch"), "not as it is described")
    } catch { _ = "\(error)" }
  }

  /// Rules, and behind the line of `---` a path.
  static let ignore = Harness(
    name: "ignore", maximumLength: 1024,
    dictionary: ["**", "**/", "*", "?", "[a-z]", "[!a]", "[[:alpha:]]", "!", "#", "\\", "\n---\n", "a/b/c", "/"]
  ) {
    bytes in
    let (rules, path) = halves(bytes)
    let git = IgnoreRules(gitignore: rules, in: path.count & 1 == 0 ? "" : "a")
    _ = git.ignores(path, isDirectory: false)
    _ = git.ignoresAll(in: path)
    guard let docker = try? IgnoreRules(dockerignore: rules) else { return }
    let clean = cleanPath(path)
    try promise(cleanPath(clean) == clean, "a clean path can be cleaned")
    // If nothing in a directory counts, no file in it does.
    if docker.ignoresAll(in: clean) {
      try promise(docker.ignores(clean + "/x", isDirectory: false), "'\(clean)/x' counts")
    }
    _ = docker.union(git).ignores(path, isDirectory: true)
    _ = EditorNoise.contains(path)
  }
}
