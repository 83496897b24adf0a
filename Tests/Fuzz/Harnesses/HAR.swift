@testable import Exchanges

extension Harness {
  static let har = Harness(
    name: "har", usualLength: 512,
    dictionary: [
      "{\"log\":{\"entries\":[", "\"startedDateTime\":\"2026-12-01T08:25:00.000Z\"", "\"request\":{",
      "\"method\":\"GET\"",
      "\"url\":\"http://a/\"", "\"headers\":[{\"name\":\"", "\",\"value\":\"", "\"postData\":{\"text\":\"",
      "\"_encoding\":\"base64\"", "\"response\":{\"status\":200", "\"content\":{\"size\":1", "\"_devtunnel\":{",
      "\"requestIsWhole\":true", "\"trailers\":", "\"target\":\"", "]}}",
    ]
  ) { bytes in
    let exchanges: [Exchange]
    do throws(HARError) { exchanges = try HARDocument.read(bytes) } catch { return }
    for exchange in exchanges {
      for field in exchange.request.fields {
        try promise(HARReader.isToken(field.name), "a header field's name would break a request")
        try promise(!field.value.utf8.contains { $0 == 10 || $0 == 13 }, "a header field's value would break a request")
      }
      try promise(
        !exchange.request.target.utf8.contains { $0 <= 0x20 || $0 == 0x7F }, "the target would break a request")
    }
    let written = HARDocument.write(exchanges)
    let again: [Exchange]
    do throws(HARError) { again = try HARDocument.read(written) } catch {
      throw BrokenPromise(description: "what was written cannot be read: \(error)")
    }
    try promise(HARDocument.write(again) == written, "written and read it is another document")
  }
}
