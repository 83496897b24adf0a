import Testing

/// One lab for all tests of a suite, which need not have it for themselves: `SharedLab.lab`.
struct SharedLab: SuiteTrait, TestScoping {
  @TaskLocal private static var current: Lab?
  /// Prepares the lab with what the suite's tests need beside the sample application.
  var prepare: @Sendable (Lab) async throws -> [NamespaceServer]

  static var lab: Lab { get throws { try #require(current) } }

  func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void)
    async throws
  {
    try await Lab.run { lab in
      let servers = try await prepare(lab)
      defer { for server in servers { server.stop() } }
      try await Self.$current.withValue(lab) { try await function() }
    }
  }
}

extension Trait where Self == SharedLab {
  static func sharedLab(_ prepare: @escaping @Sendable (Lab) async throws -> [NamespaceServer] = { _ in [] }) -> Self {
    Self(prepare: prepare)
  }
}
