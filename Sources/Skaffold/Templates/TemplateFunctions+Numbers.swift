extension TemplateFunctions {
  private static func whole(_ count: ClosedRange<Int>, _ body: @escaping @Sendable ([Int64]) -> Int64?) -> Function {
    Function(count: count) { values throws(Problem) in
      guard let result = body(values.map(\.int)) else {
        throw Problem(message: "a number of the template does not fit", remedy: "make it smaller, and divide by no 0")
      }
      return .int(result)
    }
  }

  /// - Returns: nil if it does not fit.
  private static func folded(
    _ numbers: [Int64], _ step: (Int64) -> (Int64) -> (partialValue: Int64, overflow: Bool)
  ) -> Int64? {
    numbers.dropFirst().reduce(numbers.first) { sum, number in
      guard let sum else { return nil }
      let (value, overflow) = step(sum)(number)
      return overflow ? nil : value
    }
  }

  static let numbers: [String: Function] = [
    "add": whole(1...64) { folded($0, Int64.addingReportingOverflow) },
    "add1": whole(1...1) { folded([$0[0], 1], Int64.addingReportingOverflow) },
    "sub": whole(2...2) { folded($0, Int64.subtractingReportingOverflow) },
    "mul": whole(2...64) { folded($0, Int64.multipliedReportingOverflow) },
    "div": whole(2...2) { folded($0, Int64.dividedReportingOverflow) },
    "mod": whole(2...2) { folded($0, Int64.remainderReportingOverflow) },
    "max": whole(1...64) { $0.max() }, "biggest": whole(1...64) { $0.max() }, "min": whole(1...64) { $0.min() },
    "int": whole(1...1) { $0[0] }, "int64": whole(1...1) { $0[0] }, "atoi": whole(1...1) { $0[0] },
    "toDecimal": whole(1...1) { Int64(String($0[0]), radix: 8) },
    "float64": Function(count: 1...1) { .double($0[0].double) },
    "ceil": Function(count: 1...1) { .double($0[0].double.rounded(.up)) },
    "floor": Function(count: 1...1) { .double($0[0].double.rounded(.down)) },
    "round": Function(count: 2...3) { values in
      var factor = 1.0
      for _ in 0..<min(max(0, values[1].int), 15) { factor *= 10 }
      let scaled = values[0].double * factor
      let limit = values.count > 2 ? values[2].double : 0.5
      let down = scaled.rounded(.down)
      return .double((scaled - down >= limit ? down + 1 : down) / factor)
    },
    "until": Function(count: 1...1) { values throws(Problem) in
      let end = values[0].int
      return try range("until", from: 0, to: end, by: end < 0 ? -1 : 1)
    },
    "untilStep": Function(count: 3...3) { values throws(Problem) in
      try range("untilStep", from: values[0].int, to: values[1].int, by: values[2].int)
    },
  ]

  private static func range(_ name: String, from: Int64, to end: Int64, by step: Int64) throws(Problem) -> Value {
    guard step != 0, step > 0 ? end > from : end < from else { return .list([]) }
    let numbers = Array(stride(from: from, to: end, by: Int(clamping: step)).prefix(10_001))
    guard numbers.count <= 10_000 else { throw tooLong(name) }
    return .list(numbers.map { .int($0) })
  }
}
