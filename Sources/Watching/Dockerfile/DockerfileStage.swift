/// One `FROM` and what follows it.
struct DockerfileStage {
  /// In lower case; nil if it has none.
  var name: String?
  /// The stage that it begins from, or else an image.
  var base: Reference?
  /// Stages and images that its COPY and RUN --mount take files from.
  var origins: [Reference] = []
  /// What it reads from the context.
  var sources: [String] = []
  /// Variables of ENV, and of ARG, which ENV hides. A value of nil is one that nobody here knows.
  var environment: [String: String?] = [:]
  var arguments: [String: String] = [:]

  enum Reference: Hashable {
    case stage(Int)
    case image(String)
  }

  /// nil: unknown, for it may come with the base image.
  func value(_ name: String) -> String? {
    if let value = environment[name] { return value }
    return arguments[name]
  }
}
