import Skaffold

/// An artifact's own command, run as Skaffold's custom builder runs it: by `sh -c`, in the artifact's context.
struct CustomCommand: Sendable {
  var command: String
  var context: String
  var tag: String
  var settings: BuildSettings
  var required: [(alias: String, reference: String)]

  /// Returns the process. Its variables are those of Skaffold's documentation, "Custom Build Script": IMAGE,
  /// PUSH_IMAGE, BUILD_CONTEXT, PLATFORMS, IMAGE_REPO, IMAGE_TAG, and the required images.
  func child(environment: [String: String]) -> Child {
    var environment = environment
    let colon = tag.lastIndex(of: ":").flatMap { tag[$0...].contains("/") ? nil : $0 } ?? tag.endIndex
    environment["IMAGE"] = tag
    environment["IMAGE_REPO"] = String(tag[..<colon])
    environment["IMAGE_TAG"] = String(tag[colon...].dropFirst())
    environment["PUSH_IMAGE"] = settings.pushes ? "true" : "false"
    environment["BUILD_CONTEXT"] = context
    environment["PLATFORMS"] = settings.platforms.joined(separator: ",")
    for required in required { environment[required.alias] = required.reference }
    // A script may clean up when it is asked to end.
    return Child(
      program: "/bin/sh", arguments: ["-c", command], environment: environment, directory: context,
      grace: .milliseconds(200))
  }
}
