@testable import Agent

extension Harness {
  /// A query, and behind its length what came back for it.
  static let agentDNS = Harness(name: "dns-agent", maximumLength: 1024) { bytes in
    guard let first = bytes.first else { return }
    let (query, answer) = (Array(bytes.dropFirst().prefix(Int(first))), Array(bytes.dropFirst(1 + Int(first))))
    answer.withUnsafeBytes { answer in query.withUnsafeBytes { _ = Resolver.outcome(of: answer, to: $0) } }
    try query.withUnsafeBytes { query throws in
      guard query.count >= DNSMessage.headerSize else { return }
      let end = DNSMessage.questionEnd(query)
      try promise(end.map { $0 <= query.count } ?? true, "the question ends behind the message")
      let error = DNSMessage.error(DNSMessage.serverFailure, to: query, questionEnd: end)
      try error.withUnsafeBytes { error throws in
        try promise(
          DNSMessage.isAnswer(error) && DNSMessage.code(error) == DNSMessage.serverFailure, "an error that is none")
        try promise(DNSMessage.questionEnd(error) == end, "the error asks something else")
        if let end {
          try promise(DNSMessage.answers(error, query, questionEnd: end), "the error does not answer its query")
        }
      }
      answer.withUnsafeBytes { answer in
        guard let end, answer.count >= DNSMessage.headerSize else { return }
        _ = DNSMessage.answers(answer, query, questionEnd: end)
        _ = DNSMessage.isTruncated(answer) || DNSMessage.isHelpless(answer)
      }
    }
  }

  static let resolvConf = Harness(
    name: "resolv-conf", dictionary: ["nameserver ", "search ", "svc.", "10.0.0.1", "fd00::1"]
  ) { bytes in
    let file = ResolvConf(bytes)
    for server in file.nameservers {
      try promise(server.family == 4 || server.family == 6, "a name server without an address")
    }
    try promise(!file.clusterDomain.isEmpty, "no cluster domain")
  }
}
