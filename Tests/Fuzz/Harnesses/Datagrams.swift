import TunnelProtocol

extension Harness {
  static let datagrams = Harness(name: "datagrams") { bytes in
    try samePieces(bytes, DatagramReader.init) { reader, piece, trace in
      var rest = piece
      while let datagram = reader.next(&rest) {
        trace.event(1, datagram.count)
        trace.payload(2, datagram)
      }
      return true
    }
    // A datagram is as long as its head says, and they follow one another.
    var reader = DatagramReader()
    var framed: [UInt8] = []
    bytes.withUnsafeBytes { raw in
      var rest = raw
      while let datagram = reader.next(&rest) {
        framed += [UInt8(datagram.count >> 8), UInt8(datagram.count & 0xff)] + datagram
      }
    }
    try promise(bytes.starts(with: framed), "the datagrams are not what was sent")
    try promise(reader.isMidway == (framed.count < bytes.count), "a part of a datagram is forgotten")
  }
}
