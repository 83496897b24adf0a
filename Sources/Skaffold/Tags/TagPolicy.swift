import Manifests

/// The way images get their tags (`build.tagPolicy`).
public indirect enum TagPolicy: Sendable, Hashable {
  case gitCommit(GitCommitTag)
  /// `latest`: the digest decides.
  case sha256
  /// A template over the environment and IMAGE_NAME.
  case envTemplate(String, position: SourcePosition?)
  /// A Go time layout and an IANA time zone; nil for Skaffold's defaults.
  case dateTime(format: String?, timezone: String?)
  /// A hash of the sources.
  case inputDigest
  /// A template whose variables are the tags of other policies.
  case customTemplate(String, [Component], position: SourcePosition?)

  /// A variable of `customTemplate`.
  public struct Component: Sendable, Hashable {
    var name: String
    var policy: TagPolicy
  }

  /// Returns the reference an artifact is built as, `name:tag`.
  ///
  /// An `envTemplate` that gives a whole image name (`local-user:latest`, as it did up to skaffold/v2alpha3) gives the
  /// reference, not the tag.
  /// - Parameters:
  ///   - environment: the variables that templates see.
  ///   - tools: git's variables; nil: `environment`.
  ///   - commands: the programs that templates may run; nil: none.
  ///   - digest: the hash of the artifact's sources, called for `inputDigest` only.
  /// - Throws: `InputError` for an unset variable, an unknown time zone, or a failed digest.
  public func reference(
    for artifact: Artifact, environment: [String: String], tools: [String: String]? = nil,
    commands: TemplateCommands? = nil,
    digest: @Sendable (Artifact) async throws -> String
  ) async throws(InputError) -> String {
    switch self {
    case .gitCommit(let policy):
      return try checked(artifact, await policy.tag(in: artifact.context, environment: tools ?? environment))
    case .sha256: return artifact.repository + ":latest"
    case .envTemplate(let template, let position):
      return try Self.reference(artifact, template, position, environment, commands)
    case .dateTime(let format, let timezone):
      return try checked(
        artifact, try await DateTimeTag(format: format, timezone: timezone).tag(environment: environment))
    case .customTemplate(let template, let components, let position):
      var variables: [String: String] = [:]
      for component in components {
        let reference = try await component.policy.reference(
          for: artifact, environment: environment, tools: tools, commands: commands, digest: digest)
        variables[component.name] = ImageName(reference).tag ?? ""
      }
      let tag: String
      do throws(EnvTemplate.Problem) {
        tag = try EnvTemplate(template).expanded(environment.merging(variables) { $1 }, commands: commands)
      } catch {
        throw InputError([error.error(at: position, field: "build.tagPolicy.customTemplate.template")])
      }
      return try Self.valid(artifact.repository, tag, position, field: "build.tagPolicy.customTemplate.template")
    case .inputDigest:
      do {
        return try checked(artifact, try await digest(artifact))
      } catch let error as InputError {
        throw error
      } catch {
        throw InputError(
          "the sources of \(artifact.image) cannot be read: \(error)", at: artifact.position,
          remedy: "make them readable")
      }
    }
  }

  private static func reference(
    _ artifact: Artifact, _ template: String, _ position: SourcePosition?, _ environment: [String: String],
    _ commands: TemplateCommands?
  ) throws(InputError) -> String {
    let text: String
    do {
      text = try EnvTemplate(template).expanded(
        environment.merging(["IMAGE_NAME": artifact.image]) { $1 }, commands: commands)
    } catch {
      throw InputError([error.error(at: position, field: "build.tagPolicy.envTemplate.template")])
    }
    // A tag has no colon or slash, so this is a whole name. A default repository replaces its name too.
    guard text.contains(where: { ":/@".contains($0) }) || text == artifact.image else {
      return try valid(artifact.repository, text, position, field: "build.tagPolicy.envTemplate.template")
    }
    let image = ImageName(text)
    let name = image.name == artifact.image ? artifact.repository : image.name
    return try valid(name, image.tag ?? "latest", position, field: "build.tagPolicy.envTemplate.template")
  }

  private func checked(_ artifact: Artifact, _ tag: String) throws(InputError) -> String {
    try Self.valid(artifact.repository, tag, artifact.position, field: "build.tagPolicy")
  }

  /// Checks a tag: up to 128 letters, digits, `_`, `.` and `-`, the last two not first (Docker reference,
  /// "docker image tag").
  private static func valid(_ name: String, _ tag: String, _ position: SourcePosition?, field: String)
    throws(InputError) -> String
  {
    let isValid =
      (1...128).contains(tag.utf8.count)
      && tag.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_.-".contains($0)) }
      && tag.first != "." && tag.first != "-"
    guard isValid else {
      throw InputError(
        "'\(tag)' is no image tag", at: position, field: field,
        remedy: "a tag has up to 128 letters, digits, '_', '.' and '-', and begins with none of the last two")
    }
    return "\(name):\(tag)"
  }
}
