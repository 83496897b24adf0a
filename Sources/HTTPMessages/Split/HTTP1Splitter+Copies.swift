// The hosts that get copies of requests, or of a stream. Their answers are not read here.

extension HTTP1Splitter {
  func copy(_ bytes: UnsafeRawBufferPointer) {
    if isStreamCopyDue {
      isStreamCopyDue = false
      copies = driver.copiesOfStream(opens: true)
    }
    guard !copies.isEmpty else { return }
    copies.removeAll { !driver.copy(bytes, to: $0) }
  }

  /// Copies the bytes from here on for those who want all.
  func copyStream() {
    guard driver.copiesRequests || !copies.isEmpty else { return }
    // A connection that brings no byte needs no copy.
    guard requests.isInBody else {
      copies = []
      isStreamCopyDue = true
      return
    }
    // Within a message, they must have its beginning.
    let all = driver.copiesOfStream(opens: false)
    var rest: [Way] = []
    for way in copies { if all.contains(way) { rest.append(way) } else { driver.closeCopy(way, reset: true) } }
    copies = rest
  }

  /// Ends the copies of a stream behind the client's last byte.
  func finishCopies() {
    for way in copies { driver.closeCopy(way, reset: false) }
    copies = []
  }
}
