import Simulation

/// The options of `devtunnel-simulate`.
struct Options {
  static let usage = """
    usage: devtunnel-simulate [SEEDS] [--from N] [--planted FAULT]
           devtunnel-simulate --seed N [--planted FAULT]
    Runs the schedules of SEEDS seeds (default: 2000) from N (default: 1), or prints the log of one.
    FAULT puts a fault of former versions back: \(Planted.allCases.map(\.rawValue).joined(separator: ", ")).
    """

  struct Wrong: Error { var reason: String }

  var seeds: UInt64 = 2000
  var first: UInt64 = 1
  /// The one whose log is printed.
  var only: UInt64?
  var planted: Planted?

  init(_ words: [String]) throws(Wrong) {
    var words = words[...]
    var given: Set<String> = []
    while let word = words.popFirst() {
      let option = word.hasPrefix("-") ? word : "SEEDS"
      guard given.insert(option).inserted else { throw Wrong(reason: "\(option) is given twice: \(word)") }
      switch option {
      case "SEEDS": seeds = try Self.number(word, option)
      case "--from": first = try Self.number(words.popFirst(), option)
      case "--seed": only = try Self.number(words.popFirst(), option)
      case "--planted":
        let name = words.popFirst() ?? ""
        planted = Planted(rawValue: name)
        if planted == nil { throw Wrong(reason: "--planted needs a fault, not \"\(name)\"") }
      default: throw Wrong(reason: "there is no option \(word)")
      }
    }
    if only != nil, !given.isDisjoint(with: ["SEEDS", "--from"]) {
      throw Wrong(reason: "--seed runs one schedule: leave SEEDS and --from out")
    }
  }

  private static func number(_ word: String?, _ option: String) throws(Wrong) -> UInt64 {
    guard let word, let number = UInt64(word), (1..<1 << 40).contains(number) else {
      throw Wrong(reason: "\(option) needs a number from 1, not \"\(word ?? "")\"")
    }
    return number
  }
}
