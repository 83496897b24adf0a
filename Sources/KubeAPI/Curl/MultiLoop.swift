import CCurl
import Synchronization

/// The thread behind a `CurlMulti`: an inbox, and libcurl's own event loop.
///
/// Unchecked: the multi handle and `active` belong to the thread of `run()`. Other threads use only the inbox, which
/// has a lock, and `curl_multi_wakeup`, which libcurl allows from any thread.
final class MultiLoop: @unchecked Sendable {
  enum Message {
    case start(Transfer)
    case resume(Transfer)
    case cancel(Transfer)
    case stop
  }

  private struct Inbox {
    var messages: [Message] = []
    var isOpen = true
  }

  private let multi: UnsafeMutableRawPointer
  private let inbox = Mutex(Inbox())
  private var active: [ObjectIdentifier: Transfer] = [:]

  init() throws(KubeError) {
    guard CurlHandle.library == CURLE_OK, let multi = curl_multi_init() else {
      throw .transport(problem: "no multi handle could be made")
    }
    self.multi = multi
    ccurl_multi_setopt_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
  }

  deinit { curl_multi_cleanup(multi) }

  func post(_ message: Message) {
    let isOpen = inbox.withLock { inbox in
      guard inbox.isOpen else { return false }
      inbox.messages.append(message)
      curl_multi_wakeup(multi)
      return true
    }
    if !isOpen, case .start(let transfer) = message { transfer.finish(.failure(.cancelled)) }
  }

  func stop() { post(.stop) }

  /// Runs until `stop()`.
  func run() {
    var running: CInt = 0
    while take(newMessages()) {
      curl_multi_perform(multi, &running)
      reap()
      // libcurl shortens the wait to its own next timeout.
      curl_multi_poll(multi, nil, 0, 60_000, nil)
    }
    let late = inbox.withLock { inbox in
      inbox.isOpen = false
      return inbox.messages
    }
    for case .start(let transfer) in late { transfer.finish(.failure(.cancelled)) }
    for transfer in active.values { end(transfer, .failure(.cancelled)) }
  }

  private func newMessages() -> [Message] {
    inbox.withLock { inbox in
      defer { inbox.messages = [] }
      return inbox.messages
    }
  }

  private func take(_ messages: [Message]) -> Bool {
    for message in messages {
      switch message {
      case .start(let transfer):
        active[ObjectIdentifier(transfer)] = transfer
        let code = curl_multi_add_handle(multi, transfer.handle.pointer)
        if code != CURLM_OK { end(transfer, .failure(.transport(problem: String(cString: curl_multi_strerror(code))))) }
      case .resume(let transfer): if isActive(transfer) { ccurl_continue(transfer.handle.pointer) }
      case .cancel(let transfer): end(transfer, .failure(.cancelled))
      case .stop: return false
      }
    }
    return true
  }

  private func isActive(_ transfer: Transfer) -> Bool { active[ObjectIdentifier(transfer)] != nil }

  private func reap() {
    var code = CURLE_OK
    while let handle = ccurl_multi_next_done(multi, &code) {
      var context: UnsafeMutableRawPointer?
      ccurl_getinfo_private(handle, &context)
      guard let context else { continue }
      let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
      transfer.finished(code)
      end(transfer, .success(()))
    }
  }

  private func end(_ transfer: Transfer, _ outcome: Result<Void, KubeError>) {
    guard isActive(transfer) else { return }
    curl_multi_remove_handle(multi, transfer.handle.pointer)
    transfer.finish(outcome)
    active[ObjectIdentifier(transfer)] = nil
  }
}
