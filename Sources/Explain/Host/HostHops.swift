import ControlAPI

extension HostFacts {
  public var hops: [WayHop] {
    if host.isInShell {
      return [WayHop("host", .skipped, "\(place) is inside a shell, which only the shell's own programs reach")]
    }
    return [listenerHop, answerHop].compactMap(\.self)
  }

  // MARK: Who listens

  var listenerHop: WayHop {
    guard connection == .connected else { return unreachable }
    let taking = listeners.filter { $0.socket.mayTake(host.address) }
    guard let listener = taking.first(where: { $0.socket.address == host.address }) ?? taking.first else {
      return WayHop(
        "host", .ok, "something listens on \(place)",
        evidence: ["it is in another network namespace, or its process is another user's"])
    }
    let took = "took the connection in \(rounded(connectionMilliseconds)) ms"
    var evidence: [String] = []
    if listener.socket.waiting > 1 {
      evidence.append("\(listener.socket.waiting) connections wait for the process to accept them")
    }
    if listener.isStopped {
      return WayHop(
        "host", .warning, "\(listener.text), which listens on \(place), is stopped, so it answers nothing",
        evidence: evidence,
        remedy: "let it go on in the debugger" + (listener.pid.map { ", or: kill -CONT \($0)" } ?? ""))
    }
    return WayHop("host", .ok, "\(listener.text) listens on \(listener.place) and \(took)", evidence: evidence)
  }

  private var unreachable: WayHop {
    let intercept = "name the address with --address, or let the process listen on \(host.address)"
    let elsewhere = listeners.filter { !$0.socket.mayTake(host.address) }
    if let first = elsewhere.first {
      let places = some(elsewhere.map(\.place))
      return WayHop(
        "host", .failed,
        "nothing listens on \(place): \(first.text) listens on \(places) only",
        remedy: first.socket.address.contains(":")
          ? "let it listen on \(host.address), or intercept again with --address \(first.socket.address)"
          : "intercept again with --address \(first.socket.address), or let it listen on \(host.address)")
    }
    switch connection {
    case .timedOut:
      return WayHop(
        "host", .failed, "\(place) does not take connections in time, so they go to the Service's own Pods",
        evidence: listeners.map { "\($0.text): \($0.socket.waiting) connections wait for it to accept them" },
        remedy: "the process does not accept: look at it, or start it again")
    case .unreachable, .failed:
      return WayHop("host", .failed, "\(place) \(connection.text)", remedy: intercept)
    case .refused, .connected:
      return WayHop(
        "host", .failed, "nothing listens on \(place), so requests go to the Service's own Pods",
        remedy: "start your process there, or intercept again with the --port on which it listens")
    }
  }

  // MARK: The answer

  /// The answer of the process; nil if it takes no connection.
  var answerHop: WayHop? {
    guard connection == .connected else { return nil }
    guard let request else {
      return WayHop("answer", .skipped, "no request was sent: --request 'GET /' sends one to \(place)")
    }
    return expectsTLS ? tlsAnswer : plainAnswer(request)
  }

  private var tlsAnswer: WayHop {
    if tls == .tls { return WayHop("answer", .ok, "the process speaks TLS, as the Service's clients do") }
    if case .http = plain {
      return WayHop(
        "answer", .failed,
        "the process on \(place) speaks plain HTTP, and the clients of this port of the Service speak TLS",
        remedy: "let the process speak TLS there, or intercept the Service's plain port")
    }
    return WayHop(
      "answer", .failed, "the process on \(place) does not answer as a TLS server: \(tls?.text ?? "it was not asked")",
      remedy: "let it speak TLS there: the Service's clients do")
  }

  private func plainAnswer(_ request: String) -> WayHop {
    let speaksTLS = WayHop(
      "answer", .failed, "the process on \(place) speaks TLS, and the Service's clients send it plain HTTP",
      remedy: "let the process speak plain HTTP there; if the clients do speak TLS, say so with --tls")
    switch plain {
    case .http(_, wantsTLS: true), .tls: return speaksTLS
    case .http(let status, _):
      let took = "\(request) was answered with \(status) in \(rounded(plainMilliseconds)) ms"
      return status >= 500
        ? WayHop("answer", .warning, "\(took): the process arrives at an error", remedy: "look at the process's log")
        : WayHop("answer", .ok, took)
    case .http2:
      return WayHop("answer", .ok, "the process speaks HTTP/2 without TLS; \(request) was not answered in HTTP/1.1")
    case let reply where tls == .tls && reply != nil: return speaksTLS
    case .silent(let seconds):
      let stopped = listeners.first { $0.isStopped && $0.socket.mayTake(host.address) }
      return WayHop(
        "answer", .failed,
        "the process on \(place) took the connection and has not answered \(request) in \(rounded(seconds * 1000)) ms",
        evidence: stopped.map { ["\($0.text) is stopped"] } ?? [],
        remedy: "look at the process: it may wait in a debugger, or for another service")
    case let reply?:
      return WayHop(
        "answer", .failed, "the process on \(place) does not answer \(request) as HTTP: \(reply.text)",
        remedy: "look at the process's log, and at its protocol")
    case nil: return WayHop("answer", .skipped, "\(request) was not sent")
    }
  }
}

extension HostFacts.Listener {
  /// `python3 (pid 12)`.
  var text: String {
    guard let pid else { return "a process of uid \(socket.uid)" }
    return "\(program ?? "a process") (pid \(pid))"
  }

  var place: String {
    socket.address.contains(":") ? "[\(socket.address)]:\(socket.port)" : "\(socket.address):\(socket.port)"
  }
}

extension HostReply {
  var text: String {
    switch self {
    case .http(let status, _): "it answered in plain HTTP, with \(status)"
    case .http2: "it answered in HTTP/2 without TLS"
    case .tls: "it answered in TLS"
    case .other(let text): text.isEmpty ? "it answered with other bytes" : "it answered '\(text)'"
    case .closed: "it closed the connection without a byte"
    case .silent(let seconds): "it sent nothing in \(rounded(seconds * 1000)) ms"
    }
  }
}
