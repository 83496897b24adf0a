import Agents
import ControlAPI
import FoundationEssentials
import Relay
import TunnelProtocol

/// Files of the agent's Pod, which are the workload's.
struct PodFiles: Sendable {
  let link: AgentLink

  /// What a volume of ConfigMaps and Secrets may have is 1 MiB an object (Kubernetes API); a claim is copied only when it is asked for.
  static let limit = 64 << 20

  /// The bytes of one file.
  func text(_ path: String) async throws(FileProblem) -> [UInt8] {
    let tree = try await tree(path)
    guard let first = tree.first, first.entry.kind == .file else { throw .unreadable }
    return first.bytes
  }

  /// The Pod's resolv.conf, which has a nameserver.
  func resolver() async throws(ControlError) -> ResolverConfiguration {
    let text: [UInt8]
    do throws(FileProblem) {
      text = try await self.text("/etc/resolv.conf")
    } catch {
      throw ControlError(.failed, "the agent's /etc/resolv.conf could not be read (\(error))", remedy: "devtunnel logs may show more.")
    }
    let resolver = ResolverConfiguration(parsing: String(decoding: text, as: UTF8.self))
    guard !resolver.nameservers.isEmpty else {
      throw ControlError(.failed, "the agent's Pod has no nameserver in its /etc/resolv.conf", remedy: "Look at its dnsPolicy and dnsConfig.")
    }
    return resolver
  }

  struct Item: Sendable {
    var entry: FileEntry
    var bytes: [UInt8]
  }

  /// A path and everything below it.
  func tree(_ path: String, limit: Int = limit) async throws(FileProblem) -> [Item] {
    let bytes = try await ask(path, .contents, limit: limit)
    var reader = FileEntryReader(maximumBytes: UInt64(limit))
    var items: [Item] = []
    var isComplete = false
    let malformed: Bool = bytes.withUnsafeBytes { raw in
      var rest = raw
      do {
        while let event = try reader.next(&rest) {
          switch event {
          case .entry(let entry): items.append(Item(entry: entry, bytes: []))
          case .data(let piece): items[items.count - 1].bytes.append(contentsOf: piece)
          case .end: isComplete = true
          }
        }
        return false
      } catch {
        return true
      }
    }
    guard !malformed, isComplete else { throw .unreadable }
    return items
  }

  /// Changes when the tree does.
  func signature(_ path: String) async throws(FileProblem) -> [UInt8] { try await ask(path, .signature, limit: 64) }

  private func ask(_ path: String, _ operation: FileOperation, limit: Int) async throws(FileProblem) -> [UInt8] {
    let name = Array(path.utf8)
    guard name.count <= 255 else { throw .unreadable }
    let (answers, answer) = AsyncStream.makeStream(of: Result<[UInt8], FileProblem>.self)
    await link.onLoop { endpoint in
      endpoint.withSession { session in
        let end = session?.open { slot in
          FileFetch(session: session!, slot: slot, path: name, operation: operation, limit: limit) { answer.yield($0) }
        }
        if end == nil { answer.yield(.failure(.interrupted)) }
      }
    }
    let timer = Task {
      try? await Task.sleep(for: .seconds(30))
      answer.yield(.failure(.interrupted))
    }
    defer { timer.cancel() }
    var iterator = answers.makeAsyncIterator()
    return try (await iterator.next() ?? .failure(.interrupted)).get()
  }
}
