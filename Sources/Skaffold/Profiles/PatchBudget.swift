import Inputs
import Manifests

/// The values that a configuration's patches may copy and compare, all profiles together. A copy into itself doubles
/// what it copies, so a few lines could mean any number of values.
struct PatchBudget {
  /// As many as aliases may make.
  static let mostValues = YAMLText.Limits().copies
  static let mostBytes = YAMLText.Limits().text
  /// Values within each other.
  static let mostDepth = YAMLText.Limits().depth

  private var values = 0
  private var bytes = 0

  /// True once a patch was refused for what it copies: the next one would only repeat the error.
  var isExceeded: Bool { values > Self.mostValues || bytes > Self.mostBytes }

  /// Counts a value that a patch copies, or compares with another one.
  /// - Returns: the reason to refuse it; nil if it may be.
  mutating func take(_ node: YAMLNode) -> String? {
    let size = Self.size(node, within: Self.mostValues - values)
    values += size.values
    bytes += size.bytes
    if values > Self.mostValues {
      return "copies or compares more than \(Self.mostValues) values, with the patches before it"
    }
    if bytes > Self.mostBytes {
      return "copies or compares more than \(Self.mostBytes >> 20) MiB, with the patches before it"
    }
    return nil
  }

  /// - Parameter path: the place that the value is put at.
  /// - Returns: the reason to refuse it; nil if it may be.
  static func refusal(_ node: YAMLNode, at path: [String]) -> String? {
    path.count + height(node) > mostDepth ? "puts more than \(mostDepth) values within each other" : nil
  }

  private static func size(_ node: YAMLNode, within limit: Int) -> (values: Int, bytes: Int) {
    var size = (values: 1, bytes: 0)
    func add(_ child: YAMLNode) {
      // Beyond the limit the number does not matter.
      guard size.values <= limit else { return }
      let inner = Self.size(child, within: limit - size.values)
      size.values += inner.values
      size.bytes += inner.bytes
    }
    switch node.content {
    case .scalar(let text, _): size.bytes = text.utf8.count
    case .sequence(let elements): for element in elements { add(element) }
    case .mapping(let members):
      for member in members {
        size.bytes += member.key.utf8.count
        add(member.value)
      }
    }
    return size
  }

  private static func height(_ node: YAMLNode) -> Int {
    switch node.content {
    case .scalar: 1
    case .sequence(let elements): 1 + (elements.map(height).max() ?? 0)
    case .mapping(let members): 1 + (members.map { height($0.value) }.max() ?? 0)
    }
  }
}
