import ControlAPI

/// The choice of intercepts that a `leave` means.
struct LeaveChoice {
  /// An existing intercept.
  struct Candidate: Hashable {
    var id: InterceptID
    /// The kubeconfig's name for its cluster, and the kubeconfig.
    var context: String
    var kubeconfig: [String] = []
  }

  var request: LeaveRequest
  /// The cluster that the request names; nil: any.
  var cluster: ClusterIdentity?

  /// Chooses.
  /// - Returns: the chosen ones' indices in `all`; none if there is nothing to leave and nothing was named.
  /// - Throws: `.notFound` and `.badInput`, with the existing intercepts and the options that choose among them.
  func choose(among all: [Candidate]) throws(ControlError) -> [Int] {
    let chosen = all.indices.filter { isMeant(all[$0]) }
    if request.all || request.id != nil && !chosen.isEmpty { return chosen }
    if chosen.count == 1 { return chosen }
    guard !chosen.isEmpty else {
      let there = all.isEmpty ? nil : "Intercepted: \(Self.names(all).joined(separator: ", "))."
      guard let service = request.id?.service ?? request.service else {
        throw ControlError(.notFound, "nothing is intercepted \(isNarrowed ? "there" : "from here")", remedy: there)
      }
      throw ControlError(
        .notFound, "Service \(service) is not intercepted \(isNarrowed ? "there" : "from here")",
        remedy: there ?? "To undo what an earlier daemon or another machine left: `devtunnel restore`.")
    }
    let found = chosen.map { all[$0] }
    let names = Self.names(found).joined(separator: ", ")
    if let service = request.service {
      throw ControlError(
        .badInput, "\(service) is intercepted more than once: \(names)",
        remedy: "Choose with \(Self.options(among: found)).")
    }
    throw ControlError(.badInput, "several Services are intercepted: \(names)", remedy: "Name one, or leave --all.")
  }

  private var isNarrowed: Bool { cluster != nil || request.namespace != nil }

  private func isMeant(_ one: Candidate) -> Bool {
    if let id = request.id { return one.id == id }
    return (request.service ?? one.id.service) == one.id.service
      && (request.namespace ?? one.id.namespace) == one.id.namespace
      && cluster?.isSame(as: one.id.cluster) ?? true
  }

  // MARK: Words

  /// Returns names such as `shop/user`, with the context if they are in several clusters.
  static func names(_ candidates: [Candidate]) -> [String] {
    let isOneCluster = Set(candidates.map(\.id.cluster)).count < 2
    let isByContext = Self.isByContext(candidates)
    return candidates.map { one in
      let name = "\(one.id.namespace)/\(one.id.service)"
      if isOneCluster { return name }
      return "\(name) in context \(one.context)" + (isByContext ? "" : " of \(one.kubeconfig.joined(separator: ":"))")
    }
  }

  /// Returns the options that distinguish them.
  static func options(among candidates: [Candidate]) -> String {
    let clusters = Set(candidates.map(\.id.cluster)).count
    if clusters < 2 { return "-n" }
    let option = isByContext(candidates) ? "--context" : "--kubeconfig"
    return clusters == candidates.count ? option : "\(option) and -n"
  }

  /// Checks that no two clusters share a context's name.
  private static func isByContext(_ candidates: [Candidate]) -> Bool {
    Dictionary(grouping: candidates, by: \.context).values.allSatisfy { Set($0.map(\.id.cluster)).count == 1 }
  }
}
