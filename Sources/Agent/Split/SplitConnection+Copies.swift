#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
#endif

// The hosts that get copies of a connection's requests. None of them keeps the connection from anything.

extension SplitConnection {
  func copyWay(_ way: Way) -> CopyWay? {
    for copy in copyWays where copy.rules.way == way { return copy }
    return nil
  }

  /// Returns the ways of those who want a copy.
  /// - Parameters:
  ///   - isStream: true for all bytes of the connection from here on, instead of a request.
  ///   - opens: true to open streams for those who have none.
  @inline(never) func copies(_ request: borrowing RequestHead, isStream: Bool, opens: Bool) -> [Way] {
    var ways: [Way] = []
    guard !isOver, !listener.server.isTerminating else { return ways }
    for rules in listener.ruled where !rules.holder.session.isSilent {
      guard isStream ? rules.rules.wantsAllCopies : rules.rules.wantsCopy(request) else { continue }
      var copy = copyWay(rules.way)
      let isOpen = copy != nil
      if !isOpen {
        guard opens else { continue }
        copy = listener.openCopy(rules, for: self, address: address)
        if let copy { copyWays.append(copy) }
      }
      guard let copy else {
        rules.lost += 1
        continue
      }
      if !isStream || !isOpen { copy.begin() }
      ways.append(rules.way)
    }
    return ways
  }

  /// Takes an answer, of which only HTTP/2 needs something: the host's windows.
  func answered(_ bytes: UnsafeRawBufferPointer, by copy: CopyWay) {
    guard !isOver, case .http2(let splitter) = engine else { return }
    splitter.received(bytes, ofCopy: copy.rules.way)
    count()
  }

  func forget(_ copy: CopyWay) { copyWays.removeAll { $0 === copy } }

  /// Notes that a host gets no more by its stream.
  func ended(_ copy: CopyWay) {
    forget(copy)
    guard !isOver, case .http2(let splitter) = engine else { return }
    splitter.copyEnded(copy.rules.way)
    count()
  }
}
