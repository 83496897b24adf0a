/// A value's place in its document, as a chain of keys: the text is made on demand, since each value
/// has one, and keys may be long.
struct YAMLPath: Sendable {
  private final class Step: Sendable {
    let parent: Step?
    let key: String?
    let index: Int

    init(_ parent: Step?, key: String?, index: Int) {
      self.parent = parent
      self.key = key
      self.index = index
    }
  }

  static let root = YAMLPath(nil)
  private let last: Step?

  private init(_ last: Step?) { self.last = last }

  /// - Parameter text: empty for the root.
  init(text: String) { last = text.isEmpty ? nil : Step(nil, key: text, index: -1) }

  func appending(_ key: String) -> YAMLPath { YAMLPath(Step(last, key: key, index: 0)) }
  func appending(_ index: Int) -> YAMLPath { YAMLPath(Step(last, key: nil, index: index)) }

  /// `build.artifacts[0].docker`; empty for the root.
  var text: String {
    var steps: [Step] = []
    var next = last
    while let step = next {
      steps.append(step)
      next = step.parent
    }
    var text = ""
    for step in steps.reversed() {
      if let key = step.key {
        // The beginning of a path was given as text.
        text += step.index < 0 || text.isEmpty ? key : Self.isName(key) ? ".\(key)" : "['\(key)']"
      } else {
        text += "[\(step.index)]"
      }
    }
    return text
  }

  private static func isName(_ key: String) -> Bool {
    key.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
  }
}
