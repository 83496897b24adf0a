/// One `FROM` and the instructions that follow it.
struct DockerfileStage {
  /// In lower case; nil if it has none.
  var name: String?
  /// The stage or image that it begins from.
  var base: Reference?
  /// Stages and images that its COPY and RUN --mount take files from.
  var origins: [Reference] = []
  /// The files that it reads from the context.
  var sources: [String] = []
  /// The files that it copies from the context into itself.
  var copies: [DockerfileCopy] = []
  /// The working directory: absolute, or relative to that of the base image ("" is that itself); nil: not known.
  var directory: String? = ""
  /// Variables of ENV, and of ARG, which ENV hides. A value of nil is unknown here.
  var environment: [String: String?] = [:]
  var arguments: [String: String] = [:]
  /// The instructions of its ONBUILD, which a stage that begins from it carries out first.
  var triggers: [DockerfileReader.Instruction] = []

  enum Reference: Hashable {
    case stage(Int)
    case image(String)
  }

  /// The bytes that a copy of its variables has, about.
  var size: Int { 64 * (environment.count + arguments.count) }

  /// Returns a variable's value. nil: unknown, since it may come with the base image.
  func value(_ name: String) -> String? {
    if let value = environment[name] { return value }
    return arguments[name]
  }
}
