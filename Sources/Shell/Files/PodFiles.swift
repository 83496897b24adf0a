import Agents
import ControlAPI
import FoundationEssentials
import Relay
import TunnelProtocol

/// Files of the agent's Pod, which are the workload's.
struct PodFiles: Sendable {
  let link: AgentLink

  /// Returns the bytes of one small file.
  func text(_ path: String) async throws(FileProblem) -> [UInt8] {
    let tree = try await tree(path, limit: 256 << 10)
    guard let first = tree.first, first.entry.kind == .file else { throw .unreadable }
    return first.bytes
  }

  /// Returns the Pod's resolv.conf, which has a nameserver.
  func resolver() async throws(ControlError) -> ResolverConfiguration {
    let text: [UInt8]
    do throws(FileProblem) {
      text = try await self.text("/etc/resolv.conf")
    } catch {
      throw ControlError(
        .failed, "the agent's /etc/resolv.conf could not be read: \(error.message)",
        remedy: "devtunnel logs may show more.")
    }
    let resolver = ResolverConfiguration(parsing: String(decoding: text, as: UTF8.self))
    guard !resolver.nameservers.isEmpty else {
      throw ControlError(
        .failed, "the agent's Pod has no nameserver in its /etc/resolv.conf",
        remedy: "Look at its dnsPolicy and dnsConfig.")
    }
    return resolver
  }

  struct Item: Sendable {
    var entry: FileEntry
    var bytes: [UInt8]
  }

  /// Returns a path and everything below it.
  /// - Parameter limit: bytes of all files together.
  func tree(_ path: String, limit: Int) async throws(FileProblem) -> [Item] {
    // Heads and names come on top.
    let bytes = try await ask(path, .contents, limit: limit + FileEntryHead.maximumEntries * 256)
    return try Self.items(bytes, limit: limit)
  }

  /// Reads an agent's answer.
  static func items(_ bytes: [UInt8], limit: Int) throws(FileProblem) -> [Item] {
    var reader = FileEntryReader(maximumBytes: UInt64(limit))
    var items: [Item] = []
    var isComplete = false
    let problem: FileProblem? = bytes.withUnsafeBytes { raw in
      var rest = raw
      do throws(FileEntryReader.Violation) {
        while let event = try reader.next(&rest) {
          switch event {
          case .entry(let entry): items.append(Item(entry: entry, bytes: []))
          case .data(let piece): items[items.count - 1].bytes.append(contentsOf: piece)
          case .end: isComplete = true
          }
        }
        return nil
      } catch {
        return .refused(error.message)
      }
    }
    if let problem { throw problem }
    guard isComplete else { throw .interrupted }
    // The agent stops at this number, even if more files exist.
    if items.count >= FileEntryHead.maximumEntries { throw .refused(FileEntryReader.Violation.tooManyEntries.message) }
    return items
  }

  /// Returns a value that changes when the tree does.
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
