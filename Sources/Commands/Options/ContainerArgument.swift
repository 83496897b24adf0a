import ControlAPI

/// `NAME[:PORT]`: a container, and the port on which it listens.
struct ContainerArgument: Sendable, Hashable {
  var name: String
  var port: UInt16?

  static func parse(_ text: String) throws(ControlError) -> ContainerArgument {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard !parts[0].isEmpty else { throw ControlError(.badInput, "--container \(text) names no container") }
    guard parts.count == 2 else { return ContainerArgument(name: parts[0]) }
    guard let port = UInt16(parts[1]), port > 0 else {
      throw ControlError(.badInput, "--container \(text): '\(parts[1])' is no port from 1 to 65535")
    }
    return ContainerArgument(name: parts[0], port: port)
  }
}
