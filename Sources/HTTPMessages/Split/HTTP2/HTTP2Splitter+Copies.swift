// Copies of the client's requests, whichever way these go.

extension HTTP2Splitter {
  /// Begins the copies of a request that was routed.
  func copyRequest(_ id: UInt32) {
    guard driver.copiesRequests else { return }
    for way in driver.copies(of: head) {
      var copy: HTTP2Copy?
      for one in copies where one.way == way { copy = one }
      if copy == nil {
        let new = HTTP2Copy(way: way, driver: driver)
        copies.append(new)
        copy = new
      }
      copy?.request(id, list, isLast: block.isLast)
    }
  }

  /// Copies a piece of a DATA frame.
  func copyData(_ piece: UnsafeRawBufferPointer) {
    guard !copies.isEmpty, client.kind == HTTP2Frame.data, let data = copiedData.take(piece) else { return }
    for copy in copies { copy.data(client.stream, data) }
  }

  /// Copies a header block behind the first: trailers, if they are the last.
  func copyTrailers(_ id: UInt32) {
    let isWhole = block.isLast && !list.isTooLong
    for copy in copies { if isWhole { copy.trailers(id, list) } else { copy.lose(id) } }
  }

  /// Notes the end of a DATA frame.
  func copyFrameEnd(_ id: UInt32) {
    // The origin ends the connection over wrong padding; a host must not take it for DATA.
    if !copies.isEmpty, !copiedData.isComplete { for copy in copies { copy.lose(id) } }
    if copiedData.isLast { copyEnd(id) }
  }

  private func copyEnd(_ id: UInt32) { for copy in copies { copy.end(id) } }
  /// Notes that the client sends no more of a request.
  func copyReset(_ id: UInt32) { for copy in copies { copy.reset(id) } }

  func flushCopies() { if !copies.isEmpty { copies.removeAll { !$0.flush() } } }

  func dropCopies() {
    for copy in copies {
      copy.forget()
      driver.closeCopy(copy.way, reset: true)
    }
    copies = []
  }

  // MARK: For the driver

  /// Takes bytes of a host that gets copies.
  public func received(_ bytes: UnsafeRawBufferPointer, ofCopy way: Way) {
    for copy in copies where copy.way == way { copy.received(bytes) }
    flushCopies()
  }

  /// Notes that a host gets no more copies by its connection.
  public func copyEnded(_ way: Way) {
    for copy in copies where copy.way == way { copy.forget() }
    copies.removeAll { $0.way == way }
  }
}
