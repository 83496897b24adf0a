/// One line of a container's output.
public struct LogLine: Sendable, Hashable {
  public var namespace: String
  public var pod: String
  public var container: String
  /// RFC 3339, nine digits of a second, as the node wrote it.
  public var time: String
  /// Without its line break; longer lines than 64 KiB come in pieces.
  public var text: String

  public init(namespace: String, pod: String, container: String, time: String, text: String) {
    self.namespace = namespace
    self.pod = pod
    self.container = container
    self.time = time
    self.text = text
  }
}
