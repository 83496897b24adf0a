import NIOCore
import NIOPosix

/// An event loop whose thread lives in the node's network namespace: every socket made on it is a socket of the node.
struct NodeEventLoop: Sendable {
  let group: MultiThreadedEventLoopGroup
  let loop: any EventLoop

  init(in namespace: NetworkNamespace) async throws {
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    loop = group.next()
    do { try await loop.submit { try namespace.enter() }.get() } catch {
      try? await group.shutdownGracefully()
      throw error
    }
  }

  /// Runs on the loop's thread, so that its sockets are in the node's namespace.
  func open<Value: Sendable>(_ make: @escaping @Sendable (any EventLoop) throws -> EventLoopFuture<Value>) async throws
    -> Value
  {
    try await loop.flatSubmit {
      do { return try make(loop) } catch { return loop.makeFailedFuture(error) }
    }.get()
  }

  func stop() async { try? await group.shutdownGracefully() }
}
