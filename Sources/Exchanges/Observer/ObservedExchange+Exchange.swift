extension ObservedExchange {
  /// Makes the value with texts. Bytes that are no UTF-8 become U+FFFD.
  /// - Parameters:
  ///   - fields: false to leave out all fields but the status of gRPC.
  ///   - bodies: false to leave out the bytes of bodies.
  public func exchange(fields: Bool = true, bodies: Bool = true) -> Exchange {
    let requestTexts = request.texts()
    var first = requestTexts.first
    var (pseudo, requestFields) = Self.split(requestTexts.fields)
    if version != .http2 {
      // "GET /path HTTP/1.1"
      let parts = first.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
      pseudo[":method"] = parts.first.map(String.init)
      pseudo[":path"] = parts.count > 1 ? String(parts[1]) : ""
      pseudo[":authority"] = requestFields.first { $0.name.lowercased() == "host" }?.value
    }
    let host = pseudo[":authority"] ?? requestFields.first { $0.name == "host" }?.value ?? ""
    if !fields { requestFields.removeAll() }
    let (service, namespace) = place.way == .shell ? place.named(by: host) : (place.service, place.namespace)
    var result = Exchange(
      id: id, way: place.way, taker: place.taker, service: service, namespace: namespace, port: place.port,
      version: version.rawValue, start: start, wait: wait, duration: duration,
      request: Exchange.Request(
        method: pseudo[":method"] ?? "", authority: host, target: pseudo[":path"] ?? "", fields: requestFields,
        size: requestBody.size, body: bodies ? requestBody.body : nil))
    result.failure = failure
    guard let answer else { return result }
    let answerTexts = answer.texts()
    first = answerTexts.first
    var (answerPseudo, answerFields) = Self.split(answerTexts.fields)
    if version != .http2 {
      answerPseudo[":status"] = first.split(separator: " ", maxSplits: 2).dropFirst().first.map(String.init)
    }
    var trailers = trailers?.texts().fields ?? []
    if !fields {
      answerFields.removeAll { $0.name.lowercased() != "grpc-status" }
      trailers.removeAll { $0.name.lowercased() != "grpc-status" }
    }
    result.answer = Exchange.Answer(
      status: answerPseudo[":status"].flatMap { Int($0) } ?? 0, fields: answerFields, trailers: trailers,
      size: answerBody.size, body: bodies ? answerBody.body : nil)
    return result
  }

  /// Parts HTTP/2's pseudo-header fields from the others; the first of a name counts.
  private static func split(_ all: [Exchange.Field]) -> ([String: String], [Exchange.Field]) {
    var pseudo: [String: String] = [:]
    var fields: [Exchange.Field] = []
    fields.reserveCapacity(all.count)
    for field in all {
      if field.name.utf8.first == UInt8(ascii: ":") {
        if pseudo[field.name] == nil { pseudo[field.name] = field.value }
      } else {
        fields.append(field)
      }
    }
    return (pseudo, fields)
  }
}

extension ObservedPlace {
  /// Returns the Service that a shell's connection went to, by the name that was dialled or else by the request's host:
  /// `user`, `user.shop` and `user.shop.svc.cluster.local` are names of one Service.
  func named(by authority: String) -> (service: String, namespace: String) {
    var host = Self.isAddress(service) ? Substring(authority) : Substring(service)
    if let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") { host = host[..<colon] }
    if host.isEmpty || Self.isAddress(host) { return (service, namespace) }
    let labels = host.split(separator: ".").map(String.init)
    switch labels.count {
    case 1: return (labels[0], namespace)
    case 2: return (labels[0], labels[1])
    case _ where labels[2] == "svc": return (labels[0], labels[1])
    default: return (String(host), "")
    }
  }

  private static func isAddress(_ text: some StringProtocol) -> Bool {
    text.contains(":") || text.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (48...57).contains($0) }
  }
}

extension ObservedBody {
  var body: Exchange.Body? { isKept ? Exchange.Body(bytes, isWhole: !isCut && bytes.count == size) : nil }
}

extension ObservedHead {
  /// Returns the start line (empty for HTTP/2 and trailers) and the fields.
  func texts() -> (first: String, fields: [Exchange.Field]) {
    var fields: [Exchange.Field] = []
    if let sizes {
      fields.reserveCapacity(sizes.count / 2)
      var place = 0
      for index in stride(from: 0, to: sizes.count - 1, by: 2) {
        let name = String(decoding: bytes[place..<place + sizes[index]], as: UTF8.self)
        place += sizes[index]
        fields.append(
          Exchange.Field(name, String(decoding: bytes[place..<place + sizes[index + 1]], as: UTF8.self)))
        place += sizes[index + 1]
      }
      return ("", fields)
    }
    var first: String?
    for line in bytes.split(separator: 10) {
      let line = line.last == 13 ? line.dropLast() : line
      guard let colon = line.firstIndex(of: 58), first != nil || isTrailer else {
        if first == nil { first = String(decoding: line, as: UTF8.self) }
        continue
      }
      let value = line[(colon + 1)...]
      let start = value.firstIndex { !$0.isBlank } ?? value.endIndex
      let end = value.lastIndex { !$0.isBlank }.map { $0 + 1 } ?? start
      fields.append(
        Exchange.Field(
          String(decoding: line[..<colon], as: UTF8.self), String(decoding: value[start..<end], as: UTF8.self)))
    }
    return (first ?? "", fields)
  }

  /// Trailers of HTTP/1 have no start line: they are kept behind a line feed.
  private var isTrailer: Bool { bytes.first == 10 }
}

extension UInt8 {
  fileprivate var isBlank: Bool { self == 32 || self == 9 }
}
