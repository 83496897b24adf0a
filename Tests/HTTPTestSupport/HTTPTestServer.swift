import Foundation
import Glibc
import KubeAPI
import KubeObjects
import Synchronization
import TestSupport

/// An HTTP/1.1 server on loopback that answers as a test says: a thread for each connection, so that a handler may
/// simply wait.
package final class HTTPTestServer: Sendable {
  package struct Request: Sendable {
    package var method: String
    package var target: String
    package var headers: [String: String]
    package var body: [UInt8]
    /// Counts from 0, over all connections.
    package var index: Int

    package var path: String { String(target.prefix { $0 != "?" }) }
    package var query: [String: String] {
      let items = URLComponents(string: target)?.queryItems ?? []
      return Dictionary(items.map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { $1 })
    }
    package var json: JSONValue? { try? JSONValue(parsing: body) }
  }

  package typealias Handler = @Sendable (Request, Connection) -> Void

  private struct State {
    var requests: [Request] = []
    var sockets: Set<Int32> = []
  }

  package let port: Int
  private let accepting: AcceptingThread
  private let shared: Shared

  /// The state that the server's threads share.
  private final class Shared: Sendable {
    let handler: Handler
    let state = Mutex(State())

    init(_ handler: @escaping Handler) { self.handler = handler }

    func serve(_ socket: Int32) {
      let connection = Connection(socket)
      defer {
        state.withLock { _ = $0.sockets.remove(socket) }
        close(socket)
      }
      while !connection.isClosed, var request = connection.read() {
        state.withLock { state in
          request.index = state.requests.count
          state.requests.append(request)
        }
        handler(request, connection)
      }
    }
  }

  package init(_ handler: @escaping Handler) {
    let shared = Shared(handler)
    let (listener, port) = listening()
    self.port = Int(port)
    self.shared = shared
    accepting = AcceptingThread(listener) { socket in
      shared.state.withLock { _ = $0.sockets.insert(socket) }
      Thread.detachNewThread { shared.serve(socket) }
    }
  }

  package func stop() {
    accepting.stop()
    shared.state.withLock { state in for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) } }
  }

  package var requests: [Request] { shared.state.withLock { $0.requests } }
  package var openConnections: Int { shared.state.withLock { $0.sockets.count } }

  /// One connection, used by its own thread.
  package final class Connection {
    package let socket: Int32
    package private(set) var isClosed = false
    private var buffer: [UInt8] = []

    fileprivate init(_ socket: Int32) { self.socket = socket }

    fileprivate func read() -> Request? {
      while true {
        if let end = buffer.firstRange(of: Array("\r\n\r\n".utf8)) {
          let lines = String(decoding: buffer[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
          let words = lines[0].components(separatedBy: " ")
          var headers: [String: String] = [:]
          for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
          }
          buffer.removeSubrange(..<end.upperBound)
          let length = Int(headers["content-length"] ?? "0")!
          while buffer.count < length { guard fill() else { return nil } }
          let body = Array(buffer[..<length])
          buffer.removeFirst(length)
          return Request(method: words[0], target: words[1], headers: headers, body: body, index: 0)
        }
        guard fill() else { return nil }
      }
    }

    private func fill() -> Bool {
      var chunk = [UInt8](repeating: 0, count: 65536)
      let count = recv(socket, &chunk, chunk.count, 0)
      guard count > 0 else { return false }
      buffer += chunk[..<count]
      return true
    }

    @discardableResult package func write(_ bytes: [UInt8]) -> Bool {
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
      }
      return true
    }

    package func write(_ text: String) { write(Array(text.utf8)) }

    package func reply(_ json: JSONValue) { reply(200, json) }

    package func reply(_ status: Int, _ json: JSONValue, headers: [String: String] = [:]) {
      reply(status, body: json.serialized(), headers: headers.merging(["Content-Type": "application/json"]) { $1 })
    }

    package func reply(_ status: Int, body: [UInt8], headers: [String: String] = [:]) {
      let lines = headers.map { "\($0): \($1)\r\n" }.joined()
      write("HTTP/1.1 \(status) Status\r\n\(lines)Content-Length: \(body.count)\r\n\r\n")
      write(body)
    }

    package func failure(_ status: Int, _ reason: String, _ message: String, headers: [String: String] = [:]) {
      let json: JSONValue = [
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": JSONValue(status),
        "reason": JSONValue(reason),
        "message": JSONValue(message),
      ]
      reply(status, json, headers: headers)
    }

    package func beginChunks() {
      write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    }
    @discardableResult package func chunk(_ text: String) -> Bool {
      write(Array("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n".utf8))
    }
    package func endChunks() { write("0\r\n\r\n") }

    package func event(_ type: String, _ object: JSONValue) {
      chunk((["type": JSONValue(type), "object": object] as JSONValue).description + "\n")
    }

    /// Ends the connection after the handler has returned, without an orderly end of the message.
    package func cut() {
      isClosed = true
      shutdown(socket, Int32(SHUT_RDWR))
    }

    /// Waits until the client says something more, or closes the connection.
    package func hears() -> Bool {
      var byte: UInt8 = 0
      return recv(socket, &byte, 1, 0) > 0
    }

    /// Waits until the client has closed the connection.
    package func waitForClient(milliseconds: Int32 = 5000) -> Bool {
      // POLLRDHUP of poll(2), which Glibc's module does not have.
      var entry = pollfd(fd: socket, events: 0x2000, revents: 0)
      isClosed = true
      return poll(&entry, 1, milliseconds) > 0
    }
  }
}

/// A client of a server made for one test, which ends with it.
@discardableResult package func withServer<Result>(
  retry: RetryPolicy = RetryPolicy(delay: .milliseconds(10)), credentials: CredentialSource = CredentialSource(),
  _ handler: @escaping HTTPTestServer.Handler, _ body: (KubeClient, HTTPTestServer) async throws -> Result
) async throws -> Result {
  let server = HTTPTestServer(handler)
  defer { server.stop() }
  let access = ClusterAccess(server: ServerURL("http://127.0.0.1:\(server.port)")!, credentials: credentials)
  return try await body(KubeClient(access, retry: retry), server)
}

package func pod(_ name: String, version: Int, uid: String? = nil) -> JSONValue {
  [
    "kind": "Pod", "apiVersion": "v1",
    "metadata": [
      "name": JSONValue(name), "namespace": "default", "uid": JSONValue(uid ?? name),
      "resourceVersion": JSONValue(String(version)),
    ],
  ]
}

package func podList(_ pods: [JSONValue], version: Int, token: String? = nil) -> JSONValue {
  var list: JSONValue = [
    "kind": "PodList", "apiVersion": "v1", "metadata": ["resourceVersion": JSONValue(String(version))],
    "items": .array(pods),
  ]
  if let token { list[path: "metadata", "continue"] = JSONValue(token) }
  return list
}
