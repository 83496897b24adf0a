/// A regular expression that is matched in time proportional to its length times the text's (Thompson's construction):
/// the most used part of Go's syntax (RE2). Flags, `\b` and Unicode classes are not supported.
public struct Expression: Sendable {
  private enum Step: Sendable {
    case one([ClosedRange<UInt32>], negated: Bool)
    case split(Int, Int)
    case jump(Int)
    case start
    case end
  }

  private var steps: [Step] = []

  /// - Returns: nil if the text is not supported, or would become too long.
  public init?(_ text: String) {
    guard text.utf8.count <= 1000 else { return nil }
    var parser = Parser(Array(text.unicodeScalars))
    guard let node = parser.alternatives(), parser.isAtEnd, append(node) else { return nil }
  }

  /// Checks whether some part of the text matches.
  public func matches(_ text: String) -> Bool {
    let scalars = Array(text.unicodeScalars)
    var now: [Int] = []
    var isIn = [Bool](repeating: false, count: steps.count + 1)
    func enter(_ step: Int, _ position: Int, _ list: inout [Int]) {
      // An explicit stack, since an expression may be one long chain.
      var open = [step]
      while let step = open.popLast() {
        guard !isIn[step] else { continue }
        isIn[step] = true
        guard step < steps.count else {
          list.append(step)
          continue
        }
        switch steps[step] {
        case .one: list.append(step)
        case .jump(let next): open.append(next)
        case .split(let one, let other): open += [other, one]
        case .start: if position == 0 { open.append(step + 1) }
        case .end: if position == scalars.count { open.append(step + 1) }
        }
      }
    }
    for position in 0...scalars.count {
      enter(0, position, &now)
      if isIn[steps.count] { return true }
      guard position < scalars.count else { return false }
      for index in isIn.indices { isIn[index] = false }
      var next: [Int] = []
      for step in now {
        guard case .one(let ranges, let negated) = steps[step],
          ranges.contains(where: { $0.contains(scalars[position].value) }) != negated
        else { continue }
        enter(step + 1, position + 1, &next)
      }
      now = next
    }
    return false
  }

  private indirect enum Node {
    case one([ClosedRange<UInt32>], negated: Bool)
    case start
    case end
    case sequence([Node])
    case either([Node])
    /// nil: any number.
    case times(Node, Int, Int?)
  }

  /// - Returns: false if it becomes too long.
  private mutating func append(_ node: Node) -> Bool {
    guard steps.count < 5000 else { return false }
    switch node {
    case .one(let ranges, let negated): steps.append(.one(ranges, negated: negated))
    case .start: steps.append(.start)
    case .end: steps.append(.end)
    case .sequence(let nodes): for node in nodes { guard append(node) else { return false } }
    case .either(let nodes):
      var jumps: [Int] = []
      for (index, node) in nodes.enumerated() {
        let split = steps.count
        if index < nodes.count - 1 { steps.append(.jump(0)) }
        guard append(node) else { return false }
        guard index < nodes.count - 1 else { break }
        jumps.append(steps.count)
        steps.append(.jump(0))
        steps[split] = .split(split + 1, steps.count)
      }
      for jump in jumps { steps[jump] = .jump(steps.count) }
    case .times(let node, let least, let most):
      for _ in 0..<least {
        let before = steps.count
        guard append(node) else { return false }
        // Nothing stays nothing, however often: `(){100}{100}{100}{100}` would be read for hours.
        if steps.count == before { return true }
      }
      guard let most else {
        let split = steps.count
        steps.append(.jump(0))
        guard append(node) else { return false }
        steps.append(.jump(split))
        steps[split] = .split(split + 1, steps.count)
        return true
      }
      var splits: [Int] = []
      for _ in least..<most {
        splits.append(steps.count)
        steps.append(.jump(0))
        guard append(node) else { return false }
      }
      for split in splits { steps[split] = .split(split + 1, steps.count) }
    }
    return true
  }

  private struct Parser {
    private var rest: ArraySlice<Unicode.Scalar>
    private var depth = 0

    init(_ scalars: [Unicode.Scalar]) { rest = scalars[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func alternatives() -> Node? {
      depth += 1
      defer { depth -= 1 }
      guard depth < 50 else { return nil }
      var nodes: [Node] = []
      while true {
        guard let node = sequence() else { return nil }
        nodes.append(node)
        guard rest.first == "|" else { return nodes.count == 1 ? nodes[0] : .either(nodes) }
        rest.removeFirst()
      }
    }

    private mutating func sequence() -> Node? {
      var nodes: [Node] = []
      while let first = rest.first, first != "|", first != ")" {
        guard var node = atom() else { return nil }
        while let (least, most) = quantifier() {
          if let most, most < least { return nil }
          node = .times(node, least, most)
        }
        nodes.append(node)
      }
      return .sequence(nodes)
    }

    private mutating func quantifier() -> (Int, Int?)? {
      let found: (Int, Int?)
      switch rest.first {
      case "*": found = (0, nil)
      case "+": found = (1, nil)
      case "?": found = (0, 1)
      case "{":
        guard let end = rest.firstIndex(of: "}") else { return nil }
        let parts = String(String.UnicodeScalarView(rest[rest.index(after: rest.startIndex)..<end]))
          .split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        guard let least = Int(parts[0]), (0...100).contains(least) else { return nil }
        let most = parts.count == 1 ? least : Int(parts[1])
        guard parts.count == 1 || parts[1].isEmpty || most.map({ (0...100).contains($0) }) == true else { return nil }
        rest = rest[end...]
        found = (least, most)
      default: return nil
      }
      rest.removeFirst()
      // The shortest match answers as well.
      if rest.first == "?" { rest.removeFirst() }
      return found
    }

    private mutating func atom() -> Node? {
      guard let first = rest.popFirst() else { return nil }
      switch first {
      case "(":
        if rest.first == "?" {
          rest.removeFirst()
          guard rest.popFirst() == ":" else { return nil }
        }
        guard let node = alternatives(), rest.popFirst() == ")" else { return nil }
        return node
      case "[": return set()
      case ".": return .one([10...10], negated: true)
      case "^": return .start
      case "$": return .end
      case "*", "+", "?", ")": return nil
      case "\\":
        guard let escaped = rest.popFirst() else { return nil }
        if let named = Self.named(escaped) { return .one(named.ranges, negated: named.negated) }
        guard let value = Self.literal(escaped) else { return nil }
        return .one([value...value], negated: false)
      default: return .one([first.value...first.value], negated: false)
      }
    }

    private mutating func set() -> Node? {
      var negated = false
      if rest.first == "^" {
        negated = true
        rest.removeFirst()
      }
      var ranges: [ClosedRange<UInt32>] = []
      var isFirst = true
      while let first = rest.popFirst() {
        if first == "]", !isFirst { return .one(ranges, negated: negated) }
        isFirst = false
        if first == "[", rest.first == ":" { return nil }
        var low = first.value
        if first == "\\" {
          guard let escaped = rest.popFirst() else { return nil }
          if let named = Self.named(escaped) {
            guard !named.negated else { return nil }
            ranges += named.ranges
            continue
          }
          guard let value = Self.literal(escaped) else { return nil }
          low = value
        }
        var high = low
        if rest.first == "-", let after = rest.dropFirst().first, after != "]" {
          rest = rest.dropFirst(2)
          high = after.value
          if after == "\\" {
            guard let escaped = rest.popFirst(), let value = Self.literal(escaped) else { return nil }
            high = value
          }
        }
        guard low <= high else { return nil }
        ranges.append(low...high)
      }
      return nil
    }

    private static func named(_ scalar: Unicode.Scalar) -> (ranges: [ClosedRange<UInt32>], negated: Bool)? {
      switch scalar {
      case "d", "D": ([48...57], scalar == "D")
      case "w", "W": ([48...57, 65...90, 95...95, 97...122], scalar == "W")
      case "s", "S": ([9...10, 12...13, 32...32], scalar == "S")
      default: nil
      }
    }

    /// nil for a letter or digit with another meaning.
    private static func literal(_ scalar: Unicode.Scalar) -> UInt32? {
      switch scalar {
      case "n": 10
      case "r": 13
      case "t": 9
      default: scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) ? nil : scalar.value
      }
    }
  }
}
