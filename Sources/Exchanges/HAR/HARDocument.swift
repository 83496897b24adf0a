import KubeObjects

/// Exchanges as a HAR 1.2 document (http://www.softwareishard.com/blog/har-12-spec/), as browsers write and open it.
///
/// Facts that HAR has no place for stand under `_devtunnel` of an entry.
public enum HARDocument {
  /// Longer documents are refused, bytes.
  public static let sizeLimit = 256 << 20
  /// Documents with more entries are refused.
  public static let entryLimit = 100_000

  /// Returns the document.
  /// - Parameter version: of the program that writes it.
  public static func write(_ exchanges: [Exchange], version: String = "") -> [UInt8] {
    let log: JSONValue = [
      "version": "1.2", "creator": ["name": "devtunnel", "version": .string(version)], "pages": [],
      "entries": .array(exchanges.map { HARWriter($0).entry }),
    ]
    return JSONValue.object(["log": log]).serialized(pretty: true) + [10]
  }

  /// Reads a document of devtunnel, a browser or another tool; the exchanges stand in the order of their requests.
  /// - Throws: `HARError` with the entry and the field.
  public static func read(_ bytes: [UInt8]) throws(HARError) -> [Exchange] {
    guard bytes.count <= sizeLimit else {
      throw HARError("the file has \(bytes.count >> 20) MiB; at most \(sizeLimit >> 20) MiB are read")
    }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let document: JSONValue
    do throws(DecodingError) {
      document = try JSONValue(parsing: bytes.starts(with: mark) ? Array(bytes[3...]) : bytes)
    } catch {
      guard case .dataCorrupted(let context) = error else { throw HARError("this is no JSON") }
      throw HARError("this is no JSON: \(context.debugDescription)")
    }
    guard let log = document["log"], log.objectValue != nil else {
      throw HARError(field: "log", "is missing: this is JSON, but no HAR")
    }
    guard let entries = log["entries"]?.arrayValue else {
      throw HARError(field: "log.entries", "is no list: this is no HAR")
    }
    guard entries.count <= entryLimit else {
      throw HARError(field: "log.entries", "has \(entries.count) entries; at most \(entryLimit) are read")
    }
    var exchanges: [Exchange] = []
    for (index, entry) in entries.enumerated() {
      exchanges.append(try HARReader(entry, index: index).exchange())
    }
    // Browsers write entries as they end. `sorted` is stable.
    return exchanges.sorted { $0.start < $1.start }
  }
}
