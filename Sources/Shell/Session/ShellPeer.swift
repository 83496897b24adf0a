import CLinux
import Relay
import ShellChannel

/// One helper's connection. Belongs to the relay's thread, and lasts as long as the connection.
public final class ShellPeer: Handler {
  private let loop: EventLoop
  private let connection: ShellConnection
  private let tell: @Sendable (ShellEvent) -> Void
  private var id: String?
  private var isExiting = false
  private var isOver = false
  private var nextRequest: UInt32 = 1
  private var minting: [UInt32: (PassedDescriptor?) -> Void] = [:]
  /// Called when the connection ends.
  public var onEnd: (() -> Void)?

  init(loop: EventLoop, connection: ShellConnection, tell: @escaping @Sendable (ShellEvent) -> Void) {
    self.loop = loop
    self.connection = connection
    self.tell = tell
    super.init()
  }

  func start() { loop.watch(connection.fd, self) }

  public override func ready(_ events: UInt32) {
    guard !isOver else { return }
    do {
      if connection.isWaitingToWrite { try connection.flush() }
      while let message = try connection.receive() { handle(message) }
    } catch {
      close()
    }
  }

  private func handle(_ message: ShellMessage) {
    switch message {
    case .hello(let hello):
      id = hello.id
      tell(.hello(OnLoop(self, on: loop), hello))
    case .exiting(let code):
      guard let id else { return close() }
      isExiting = true
      tell(.exiting(id: id, code: code, OnLoop(self, on: loop)))
    case .minted(let request, _, let descriptor):
      minting.removeValue(forKey: request)?(descriptor)
    case .mint, .bye, .welcome, .refused: close()
    }
  }

  /// Asks the helper for a socket made inside; nil if it cannot be made. The descriptor is closed with
  /// its last reference.
  public func mint(_ socket: MintedSocket, _ completion: @escaping (PassedDescriptor?) -> Void) {
    guard !isOver else { return completion(nil) }
    let request = nextRequest
    nextRequest &+= 1
    minting[request] = completion
    send(.mint(request: request, socket))
  }

  /// Sends a message; a failure closes the connection.
  public func send(_ message: ShellMessage) {
    guard !isOver else { return }
    do { try connection.send(message) } catch { close() }
  }

  /// Closes the connection; waiting `mint` calls get nil.
  public func close() {
    guard !isOver else { return }
    isOver = true
    loop.unwatch(connection.fd)
    loop.unregister(self)
    let waiting = minting.values
    minting = [:]
    for completion in waiting { completion(nil) }
    onEnd?()
    onEnd = nil
    if let id, !isExiting { tell(.gone(id: id)) }
  }
}
