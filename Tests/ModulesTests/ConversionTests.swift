import Foundation
import Synchronization
import Testing

/// No number of a cluster's ends the daemon, and all its tunnels: `Int(x)` of a number that does not fit traps.
///
/// In the modules that read objects of a cluster a conversion says what becomes of such a number (`exactly:`,
/// `clamping:`, `truncatingIfNeeded:`, `saturating:`), or is in the list below with the reason why it cannot trap.
/// A type that is only inferred (`.init(x)`) is not seen, and neither is arithmetic. The modules that read bytes
/// (KubeAPI, KubeStreams, Relay, TunnelProtocol, Outbound) convert upwards on every line: there the fuzzers look.
struct ConversionTests {
  private static let modules = ["Agents", "Intercept", "KubeObjects", "Operations"]

  private static let safe: [String: String] = [
    "AgentDeployer.swift UInt16(command[index + 1])": "of a text: an optional",
    "AgentNames.swift UInt32(byte)": "from fewer bits",
    "AgentPodTemplate.swift Int(readinessPort)": "from fewer bits",
    "ClaimsRecord.swift UInt16(key)": "of a text: an optional",
    "ClaimsRecord.swift UInt64(Int32.max)": "a constant",
    "ClusterOperations+Doctor.swift Int($0 * 100)": "a round trip that this process has measured, in ms",
    "ClusterOperations+Doctor.swift Int(components.seconds * 1000)": "a time that this process has measured",
    "ClusterOperations+Doctor.swift Int(components.attoseconds / 1_000_000_000_000_000)": "less than 1000",
    "AgentSteps.swift Int(port.podPort)": "from fewer bits",
    "Holder.swift UInt64(byte)": "from fewer bits",
    "InstallationID.swift UInt64(status.st_ino)": "from as many bits",
    "InstallationID.swift UInt64(words[1])": "of a text: an optional",
    "InterceptedWorkload+Feeds.swift Int($0.podPort)": "from fewer bits",
    "InterceptedWorkload+Report.swift Int($0)": "from fewer bits",
    "InterceptedWorkload+Report.swift Int(port.podPort)": "from fewer bits",
    "JSONParser.swift Int64(text)": "of a text: an optional",
    "JSONParser.swift UInt32(digit)": "0 to 15",
    "JSONPointer.swift Int(token)": "of a text: an optional",
    "JSONValue.swift Int(value)": "from as many bits",
    "JSONValue.swift Int64(value)": "from as many bits",
    "Planner.swift Int($0.podPort)": "from fewer bits",
    "Restorer.swift Int($0)": "from fewer bits",
    "Restorer.swift Int32(text)": "of a text: an optional",
    "ServiceEndpoints.swift Int.init": "from fewer bits",
    "ServiceRules.swift Int(number)": "from fewer bits",
    "ServiceRules.swift UInt16(name)": "of a text: an optional",
    "WayToServer.swift Int32(SOCK_STREAM.rawValue)": "a constant",
    "WorkloadLease.swift UInt64(Int32.max)": "a constant",
    "YAMLScalar.swift Int64(double)": "a whole number below 1e15",
    "YAMLScalar.swift Int64(sign + lower)": "of a text: an optional",
    "YAMLScalar.swift Int64(sign + lower, radix: 8)": "of a text: an optional",
    "YAMLScalar.swift Int64(sign + lower.dropFirst(2), radix: radix)": "of a text: an optional",
  ]

  @Test("A conversion says what becomes of a number that does not fit, or why there is none", arguments: modules)
  func conversions(module: String) throws {
    let target = try #require(try PackageText().targets.first { $0.name == module })
    for (file, expressions) in try Self.conversions(of: target) {
      for expression in expressions {
        let place = "\(file) \(expression)"
        #expect(
          Self.safe[place] != nil,
          """
          \(module): \(place) traps for a number that does not fit: write exactly:, clamping: or saturating:, \
          or list it with the reason
          """
        )
      }
    }
  }

  @Test("The list has no place that is gone")
  func places() throws {
    let package = try PackageText()
    var found: Set<String> = []
    for target in package.targets where Self.modules.contains(target.name) {
      for (file, expressions) in try Self.conversions(of: target) {
        for expression in expressions { found.insert("\(file) \(expression)") }
      }
    }
    #expect(Set(Self.safe.keys).subtracting(found) == [])
  }

  @Test(
    "Finds the conversions of a line",
    arguments: [
      ("let a = Int(b)", ["Int(b)"]), ("UInt16(x[1 + (2)]) + UInt8(y)", ["UInt16(x[1 + (2)])", "UInt8(y)"]),
      ("Int(exactly: a)", []),
      ("Int(saturating: a * 2)", []),
      ("UInt64(7)", []), ("Int(-1)", []), ("// Int(a)", []), ("x.map(Int.init)", ["Int.init"]),
      ("x.map(Int.init(exactly:))", []),
      ("Int64(Double(a))", ["Int64(Double(a))"]), ("print(a)", []), ("MyInt(a)", []),
      ("Int(Int(a))", ["Int(Int(a))", "Int(a)"]), ("let url = \"http://Int(x)\"", []),
    ])
  func seen(line: String, expressions: [String]) { #expect(Self.conversions(in: line) == expressions) }

  private static let found = Mutex<[String: [(file: Substring, expressions: [String])]]>([:])

  /// The conversions of a target's files, by the file's name. They are looked for once, for both tests.
  private static func conversions(of target: PackageText.Target) throws -> [(
    file: Substring, expressions: [String]
  )] {
    let sources = try target.sources()
    return found.withLock { found in
      if let known = found[target.name] { return known }
      let read = sources.map { ($0.file.split(separator: "/").last ?? "", conversions(in: $0.text)) }
      found[target.name] = read
      return read
    }
  }

  /// `Int(b)` and `Int.init` in a source's lines, without what says how it converts.
  private static func conversions(in text: String) -> [String] {
    var found: [String] = []
    for line in text.split(separator: "\n") where line.utf8.firstRange(of: "Int".utf8) != nil {
      let code = line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line
      for match in code.matches(
        of:
          #/
          \bU?Int(8|16|32|64)?
          (\.init\b(?!\((?:exactly|clamping|truncatingIfNeeded|saturating):)
          |\((?!exactly:|clamping:|truncatingIfNeeded:|saturating:|bitPattern:|bigEndian:|littleEndian:|ascii:|-?\d))
          /#
      ) {
        guard match.0.last == "(" else {
          found.append(String(match.0))
          continue
        }
        var depth = 0
        let end = code[match.range.lowerBound...].firstIndex { character in
          depth += character == "(" ? 1 : character == ")" ? -1 : 0
          return character == ")" && depth == 0
        }
        found.append(String(code[match.range.lowerBound..<(end.map { code.index(after: $0) } ?? code.endIndex)]))
      }
    }
    return found
  }
}
