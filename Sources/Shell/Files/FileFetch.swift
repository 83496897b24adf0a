import Relay
import TunnelProtocol

/// Asks the agent for a path of its own Pod, on the relay's thread. Called back once.
final class FileFetch: StreamEnd {
  private let preamble: Preamble
  private var isAsked = false
  private var status: StreamStatus?
  private var bytes: [UInt8] = []
  private var completion: ((Result<[UInt8], FileProblem>) -> Void)?
  private let limit: Int

  /// - Parameter limit: the answer's greatest length in bytes, heads and names included.
  init(
    session: Session, slot: Int, path: [UInt8], operation: FileOperation, limit: Int,
    completion: @escaping (Result<[UInt8], FileProblem>) -> Void
  ) {
    preamble = Preamble(.file, port: operation.rawValue, address: path)
    self.limit = limit
    self.completion = completion
    super.init(session: session, slot: slot)
  }

  override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    guard !isAsked else { return .finished }
    guard capacity >= preamble.size else { return .nothing }
    isAsked = true
    preamble.write(to: place)
    return .bytes(preamble.size, more: true)
  }

  override func received(_ new: UnsafeRawBufferPointer) {
    session.consume(self, new.count)
    var rest = new
    if status == nil, let first = rest.first {
      status = StreamStatus(rawValue: first) ?? .failed
      rest = UnsafeRawBufferPointer(rebasing: rest[1...])
    }
    bytes.append(contentsOf: rest)
    if bytes.count > limit { end(.failure(.tooLarge)) }
  }

  override func finished() {
    switch status {
    case .connected: end(.success(bytes))
    case .nameNotFound: end(.failure(.notFound))
    case .none: end(.failure(.interrupted))
    default: end(.failure(.unreadable))
    }
  }

  override func wasReset() {
    // An agent that refuses sends the reason, and then resets.
    if status == nil || status == .connected { end(.failure(.interrupted)) } else { finished() }
  }

  override func sessionClosed() { end(.failure(.interrupted)) }
  override func abort() { end(.failure(.interrupted)) }

  private func end(_ result: Result<[UInt8], FileProblem>) {
    guard let completion else { return }
    self.completion = nil
    session.release(self)
    completion(result)
  }
}

/// The reason why a file of the Pod did not arrive.
enum FileProblem: Error, Sendable, Equatable {
  case notFound
  case unreadable
  case tooLarge
  /// The tunnel ended meanwhile.
  case interrupted
  /// It arrived, but is refused; the reason, for the user, follows "it is left out:".
  case refused(String)

  var message: String {
    switch self {
    case .notFound: "the Pod does not have it"
    case .unreadable: "it cannot be read"
    case .tooLarge: "it has more bytes than this shell's volumes may have"
    case .interrupted: "the tunnel ended on the way"
    case .refused(let why): why
    }
  }
}
