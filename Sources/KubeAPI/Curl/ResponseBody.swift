/// A body as it arrives, in pieces of no particular size. For one reader; dropping the last reference, or cancelling
/// the reading task, ends the transfer.
public final class ResponseBody: AsyncSequence, Sendable {
  private let transfer: Transfer
  /// Keeps the thread alive.
  private let multi: CurlMulti
  private let loop: MultiLoop

  init(_ transfer: Transfer, _ multi: CurlMulti, _ loop: MultiLoop) {
    self.transfer = transfer
    self.multi = multi
    self.loop = loop
  }

  deinit { loop.post(.cancel(transfer)) }

  /// Returns the next bytes, nil at the end.
  public func next() async throws(KubeError) -> [UInt8]? {
    try await cancellable { () async throws(KubeError) in try await transfer.next { loop.post(.resume(transfer)) } }
  }

  /// Reads to the end.
  /// - Throws: `KubeError.badResponse` for more than `limit` bytes.
  public func collect(limit: Int) async throws(KubeError) -> [UInt8] {
    var bytes: [UInt8] = []
    while let more = try await next() {
      guard bytes.count + more.count <= limit else {
        throw .badResponse(server: transfer.server, problem: "the answer is longer than \(limit) bytes")
      }
      if bytes.isEmpty { bytes = more } else { bytes += more }
    }
    return bytes
  }

  func cancellable<Value: Sendable>(_ wait: () async throws(KubeError) -> Value) async throws(KubeError) -> Value {
    // The function that takes the handler has no typed throws.
    let result: Result<Value, KubeError> = await withTaskCancellationHandler {
      do throws(KubeError) { return .success(try await wait()) } catch { return .failure(error) }
    } onCancel: {
      transfer.finish(.failure(.cancelled))
      loop.post(.cancel(transfer))
    }
    return try result.get()
  }

  public struct Iterator: AsyncIteratorProtocol {
    let body: ResponseBody

    public mutating func next() async throws -> [UInt8]? { try await body.next() }
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(KubeError) -> [UInt8]? {
      try await body.next()
    }
  }

  public func makeAsyncIterator() -> Iterator { Iterator(body: self) }
}
