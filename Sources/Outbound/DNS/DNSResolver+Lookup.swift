/// A name's addresses, for programs that do not resolve it themselves.
enum DNSLookup: Equatable {
  case found([IPAddress], name: DNSName)
  case notFound
  /// No answer came.
  case failed
}

extension DNSResolver {
  /// Finds a name's IPv4 addresses as a Pod's resolver would, by the search list and `ndots`
  /// (resolv.conf(5)), but asks for all candidates at once.
  /// - Parameter name: with a dot at its end it is taken as it is.
  func lookUp(_ name: String, completion: @escaping (DNSLookup) -> Void) {
    let candidates = candidates(name)
    guard !candidates.isEmpty else { return completion(.notFound) }
    let search = Search(candidates: candidates, completion: completion)
    for (index, candidate) in candidates.enumerated() {
      resolve(DNSQuery(name: candidate, type: DNSType.a)) { answer, _ in search.take(answer, at: index) }
    }
  }

  /// Returns the names to try; the first that exists wins.
  func candidates(_ text: String) -> [DNSName] {
    guard let name = DNSName(text), name.wire.count > 1 else { return [] }
    // Full names of the cluster, and the host's names, need no search list.
    let isFull =
      text.hasSuffix(".") || (settings.clusterSuffixes + settings.hostSuffixes).contains { name.isWithin($0) }
    guard !isFull else { return [name] }
    let searched = settings.search.compactMap { name.appending($0) }
    return name.dots >= settings.ndots ? [name] + searched : searched + [name]
  }
}

/// The answers of one lookup so far.
private final class Search {
  private var outcomes: [DNSLookup?]
  private let candidates: [DNSName]
  private var completion: ((DNSLookup) -> Void)?

  init(candidates: [DNSName], completion: @escaping (DNSLookup) -> Void) {
    self.candidates = candidates
    self.completion = completion
    outcomes = Array(repeating: nil, count: candidates.count)
  }

  func take(_ answer: DNSAnswer?, at index: Int) {
    if let answer {
      let addresses = answer.addresses.map(\.address).filter { !$0.isIPv6 }
      outcomes[index] =
        addresses.isEmpty
        ? (answer.rcode == DNSRcode.serverFailure ? .failed : .notFound) : .found(addresses, name: candidates[index])
    } else {
      outcomes[index] = .failed
    }
    decide()
  }

  /// Decides once no earlier candidate can win: one without an answer may still win over later ones.
  private func decide() {
    var failed = false
    for outcome in outcomes {
      switch outcome {
      case nil: return
      case .found: return end(outcome!)
      case .failed: failed = true
      case .notFound: break
      }
    }
    end(failed ? .failed : .notFound)
  }

  private func end(_ outcome: DNSLookup) {
    let told = completion
    completion = nil
    told?(outcome)
  }
}
