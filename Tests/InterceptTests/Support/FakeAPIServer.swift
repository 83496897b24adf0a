import Foundation
import Glibc
import KubeAPI
import KubeObjects
import Synchronization
import TestSupport

/// An API server on loopback that answers each request as a test says; one request on each connection.
final class FakeAPIServer: Sendable {
  struct Request: Sendable {
    var method: String
    var path: String
    var query: [String: String] = [:]
    var body: JSONValue?
  }

  private typealias Answer = @Sendable (Request) -> (status: Int, body: JSONValue)
  private final class Received: Sendable { let requests = Mutex<[Request]>([]) }

  private let accepting: AcceptingThread
  private let port: UInt16
  private let received = Received()

  init(_ answer: @escaping @Sendable (Request) -> (status: Int, body: JSONValue)) {
    let (listener, port) = listening()
    self.port = port
    accepting = AcceptingThread(listener) { [received] socket in
      Thread.detachNewThread { Self.serve(socket, answer, received) }
    }
  }

  func stop() { accepting.stop() }

  var requests: [Request] { received.requests.withLock { $0 } }

  /// Tries once.
  func client() throws -> KubeClient {
    let yaml = """
      {apiVersion: v1, kind: Config, current-context: fake,
       contexts: [{name: fake, context: {cluster: fake, user: fake, namespace: shop}}],
       clusters: [{name: fake, cluster: {server: "http://127.0.0.1:\(port)"}}],
       users: [{name: fake, user: {token: none}}]}
      """
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("devtunnel-fake-\(UUID().uuidString)").path
    try yaml.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return KubeClient(try ClusterAccess.load(kubeconfig: path), retry: RetryPolicy(attempts: 1))
  }

  private static func query(_ target: String) -> [String: String] {
    let items = URLComponents(string: "http://fake" + target)?.queryItems ?? []
    return Dictionary(items.map { ($0.name, $0.value ?? "") }) { $1 }
  }

  private static func serve(_ socket: Int32, _ answer: Answer, _ received: Received) {
    defer { close(socket) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      bytes += buffer[..<count]
      let text = String(decoding: bytes, as: UTF8.self)
      guard let end = text.range(of: "\r\n\r\n") else { continue }
      let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
      let length =
        lines.first { $0.lowercased().hasPrefix("content-length:") }.flatMap {
          Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces))
        } ?? 0
      let body = text[end.upperBound...]
      guard body.utf8.count >= length else { continue }
      let words = lines[0].split(separator: " ")
      let request = Request(
        method: String(words[0]), path: String(words[1].prefix { $0 != "?" }), query: Self.query(String(words[1])),
        body: try? JSONValue(parsing: Array(body.utf8)))
      received.requests.withLock { $0.append(request) }
      let (status, object) = answer(request)
      let json = object.serialized()
      let head =
        """
        HTTP/1.1 \(status) -\r\nContent-Type: application/json\r\nContent-Length: \(json.count)\r\n\
        Connection: close\r\n\r\n
        """
      let reply = Array(head.utf8) + json
      _ = send(socket, reply, reply.count, Int32(MSG_NOSIGNAL))
      return
    }
  }
}
