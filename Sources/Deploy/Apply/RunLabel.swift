/// What devtunnel writes on the objects of a run.
public enum RunLabel {
  /// On every object, and on the Pod templates of workloads; never in a selector.
  public static let key = "devtunnel.dev/run"
  /// On copies of a remote cluster's objects: where they come from, `context/namespace`.
  public static let mirroredFrom = "devtunnel.dev/mirrored-from"

  /// A label value made of any text: other characters become '-'; long texts keep their beginning and get a check sum.
  public static func value(_ text: String) -> String { fatalError() }
}
