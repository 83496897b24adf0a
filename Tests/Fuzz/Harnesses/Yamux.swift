import TunnelProtocol

extension Harness {
  static let yamux = Harness(name: "yamux", usualLength: 256) { bytes in
    guard let mode = bytes.first else { return }
    let frames = Array(bytes.dropFirst())
    switch mode & 3 {
    case 0: try received(frames, as: .server)
    case 1: try received(frames, as: .client)
    case 2:
      var pair = YamuxPair(Array(frames.prefix(4096)))
      try pair.run()
    default: try answered(frames)
    }
  }

  /// A peer's bytes mean the same in any pieces.
  private static func received(_ frames: [UInt8], as role: YamuxSession.Role) throws {
    let pool = WindowPool()
    try samePieces(frames) {
      let session = YamuxSession(role: role, pool: pool, maximumStreams: 16, now: 0)
      if role == .client { for _ in 0..<3 { _ = session.open(now: 0) } }
      return session
    } _: { session, piece, trace in
      var rest = piece
      while let event = session.next(&rest, now: 1) {
        note(event, &trace)
        if case .failed = event { return false }
        try promise(session.streamCount <= 16, "\(session.streamCount) streams")
      }
      return true
    }
    try promise(pool.used == 0, "\(pool.used) bytes of window are lost")
  }

  private static func note(_ event: YamuxSession.Event, _ trace: inout Trace) {
    switch event {
    case .opened(let slot): trace.event(1, slot)
    case .data(let slot, let bytes): if !bytes.isEmpty { trace.payload(100 + slot, bytes) }
    case .finished(let slot): trace.event(2, slot)
    case .reset(let slot): trace.event(3, slot)
    case .credit(let slot): trace.event(4, slot)
    case .goAway(let code): trace.event(5, Int(code))
    case .failed(let violation): trace.event(6, Int(violation.rawValue))
    }
  }

  /// A hostile peer, and a relay that answers as relays do.
  private static func answered(_ frames: [UInt8]) throws {
    let pool = WindowPool(limit: 1 << 20)
    do {
      let session = YamuxSession(role: .server, pool: pool, maximumStreams: 16, now: 0)
      var open: [Int] = []
      var now: UInt64 = 0
      var out = [UInt8](repeating: 0, count: 512)
      var failed = false
      try inPieces(frames) { piece throws in
        var rest = piece
        while let event = session.next(&rest, now: now) {
          now += 10
          switch event {
          case .opened(let slot):
            try promise(!open.contains(slot), "a slot is given away twice")
            open.append(slot)
          case .data(let slot, let bytes):
            try promise(open.contains(slot), "data for a slot that is not open")
            session.consume(slot, bytes.count, now: now)
          case .finished(let slot): session.finish(slot)
          case .reset(let slot):
            session.release(slot)
            open.removeAll { $0 == slot }
          case .credit(let slot): try promise(session.sendCredit(slot) >= 0, "credit below zero")
          case .goAway: break
          case .failed:
            failed = true
            return false
          }
        }
        if piece.count & 1 == 0 {
          let written = out.withUnsafeMutableBytes { session.writeControl(to: $0.baseAddress!, capacity: 64, now: now) }
          try promise(written <= 64 && written % FrameHeader.size == 0, "\(written) bytes of frames")
        }
        if piece.count == 7, let slot = open.first {
          session.release(slot)
          open.removeFirst()
        }
        return true
      }
      for slot in open { session.release(slot) }
      session.releaseDeferred()
      var turns = 0
      while session.hasControl, turns < 100 {
        turns += 1
        _ = out.withUnsafeMutableBytes { session.writeControl(to: $0.baseAddress!, capacity: $0.count, now: now) }
      }
      try promise(!session.hasControl, "frames that never leave")
      if !failed { try promise(session.streamCount == 0, "\(session.streamCount) streams stay after their release") }
    }
    try promise(pool.used == 0, "\(pool.used) bytes of window are lost")
  }
}

/// Two ends that keep to the protocol, whatever they are asked to do and however the bytes between them are cut.
private struct YamuxPair {
  private var choices: Choices
  private let pool = WindowPool(limit: 4 << 20)
  private var ends: [End]
  private var now: UInt64 = 1

  private struct End {
    let session: YamuxSession
    var open: [Int] = []
    var finished: Set<Int> = []
    /// On their way to the other end.
    var sent: [UInt8] = []
  }

  init(_ bytes: [UInt8]) {
    choices = Choices(bytes)
    let pool = pool
    ends = [YamuxSession.Role.client, .server].map {
      End(session: YamuxSession(role: $0, pool: pool, maximumStreams: 8, now: 0))
    }
  }

  /// The session has ended, as it should.
  private struct Refused: Error {}

  mutating func run() throws {
    do { try play() } catch is Refused {}
  }

  private mutating func play() throws {
    while !choices.isOver {
      now += 1_000
      let choice = choices.byte()
      try act(choice & 1, choice >> 1 & 7, choice >> 4)
    }
    for _ in 0..<4 { for side in 0...1 { try deliver(side, 1 << 20) } }
    for side in 0...1 {
      for slot in ends[side].open { ends[side].session.release(slot) }
      ends[side].open = []
    }
    for _ in 0..<4 { for side in 0...1 { try deliver(side, 1 << 20) } }
    for end in ends {
      try promise(end.session.streamCount == 0, "\(end.session.streamCount) streams stay after their release")
    }
    try promise(pool.used == 0, "\(pool.used) bytes of window are lost")
  }

  private mutating func act(_ side: Int, _ action: Int, _ detail: Int) throws {
    let session = ends[side].session
    let slot = ends[side].open.isEmpty ? nil : ends[side].open[detail % ends[side].open.count]
    switch action {
    case 0: if let slot = session.open(now: now) { ends[side].open.append(slot) }
    case 1, 2:
      guard let slot else { return }
      let count = min(session.sendCredit(slot), action == 1 ? detail : choices.byte() * 64)
      guard count > 0 else { return }
      control(side, inCompany: true)
      var header = [UInt8](repeating: 0, count: FrameHeader.size)
      header.withUnsafeMutableBytes { session.writeDataHeader(slot, count: count, to: $0.baseAddress!) }
      ends[side].sent += header + [UInt8](repeating: UInt8(slot & 0xff), count: count)
    case 3: if let slot { session.finish(slot) }
    case 4: if let slot, detail & 1 == 0 { session.reset(slot) }
    case 5:
      guard let slot else { return }
      session.release(slot)
      ends[side].open.removeAll { $0 == slot }
    case 6: if detail == 15 { session.goAway(0) } else { session.ping(now: now) }
    default: try deliver(side, detail == 0 ? 1 << 20 : detail * detail)
    }
  }

  private mutating func control(_ side: Int, inCompany: Bool = false) {
    let session = ends[side].session
    if !inCompany { session.releaseDeferred() }
    var out = [UInt8](repeating: 0, count: 4096)
    let written = out.withUnsafeMutableBytes {
      session.writeControl(to: $0.baseAddress!, capacity: $0.count, now: now, inCompany: inCompany)
    }
    ends[side].sent += out[..<written]
  }

  /// Brings up to `limit` bytes to the other end.
  private mutating func deliver(_ side: Int, _ limit: Int) throws {
    control(side)
    let other = 1 - side
    let session = ends[other].session
    let bytes = Array(ends[side].sent.prefix(limit))
    ends[side].sent.removeFirst(bytes.count)
    try bytes.withUnsafeBytes { raw throws in
      var rest = raw
      while let event = session.next(&rest, now: now) {
        switch event {
        case .opened(let slot): ends[other].open.append(slot)
        case .data(let slot, let data):
          try promise(ends[other].open.contains(slot), "data for a slot that is not open")
          session.consume(slot, data.count, now: now)
        case .reset(let slot):
          session.release(slot)
          ends[other].open.removeAll { $0 == slot }
        // A bound of the memory: so many streams were opened and reset before this end could answer.
        case .failed(.tooManyStreams): throw Refused()
        case .failed(let violation):
          throw BrokenPromise(description: "an end that keeps to the protocol was refused: \(violation)")
        case .finished, .credit, .goAway: break
        }
      }
    }
  }
}
