import KubeObjects

/// What a Service alone tells about whether it can be intercepted.
public enum InterceptObstacle {
  /// nil when nothing speaks against it.
  public static func of(_ service: JSONValue) -> String? { ServiceRules(service: service).obstacle?.reason }
}
