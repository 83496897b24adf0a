import CCurl

/// The owner of one libcurl easy handle, and of the lists and the error text that the handle points to.
///
/// Sendable without a lock: libcurl lets any thread use a handle, but one at a time. A handle is made by the caller,
/// and then belongs to the thread that gets it (a `CurlMulti`'s, a dial's, at last the relay's); handing it over goes
/// through a lock or a thread's start.
final class CurlHandle: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
  /// For messages; set before the handle is handed over.
  var proxy: ProxySetting?
  private var lists: [UnsafeMutablePointer<curl_slist>] = []
  /// Set before the handle is handed over.
  var connectorSocket: ConnectorSocket?
  private let errorText: UnsafeMutablePointer<CChar>

  /// - Throws: `KubeError.transport` without memory.
  init() throws(KubeError) {
    guard Self.library == CURLE_OK, let pointer = curl_easy_init() else {
      throw .transport(problem: "no handle could be made")
    }
    self.pointer = pointer
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    ccurl_setopt_pointer(pointer, CURLOPT_ERRORBUFFER, errorText)
    // Signals are the process's own business, and a resolver's alarm must not interrupt a thread.
    try set(CURLOPT_NOSIGNAL, 1)
  }

  deinit {
    curl_easy_cleanup(pointer)
    for list in lists { curl_slist_free_all(list) }
    errorText.deallocate()
  }

  static let library = ccurl_global_init()

  /// Sets an option that older releases of libcurl, or headers, lack: without it requests are only slower.
  func setIfKnown(_ option: UInt32, _ value: Int) { _ = ccurl_setopt_long(pointer, CURLoption(option), value) }

  func set(_ option: CURLoption, _ value: Int) throws(KubeError) {
    try check(option, ccurl_setopt_long(pointer, option, value))
  }

  /// Sets a text, which libcurl copies. Nil resets the option, which for files with certificates also
  /// drops the built-in one.
  func set(_ option: CURLoption, _ value: String?) throws(KubeError) {
    if value?.utf8.contains(0) == true {
      throw .transport(problem: "a value for option \(option.rawValue) holds a NUL character")
    }
    try check(option, ccurl_setopt_string(pointer, option, value))
  }

  /// Sets bytes, which libcurl copies.
  func set(_ option: CURLoption, blob: [UInt8]) throws(KubeError) {
    try check(option, blob.withUnsafeBytes { ccurl_setopt_blob(pointer, option, $0.baseAddress, $0.count) })
  }

  /// Sets a list of lines that lives as long as the handle.
  func set(_ option: CURLoption, list lines: [String]) throws(KubeError) {
    var list: UnsafeMutablePointer<curl_slist>?
    for line in lines { list = curl_slist_append(list, line) }
    if let list { lists.append(list) }
    try check(option, ccurl_setopt_list(pointer, option, list))
  }

  /// Sets a body of known length; libcurl copies the bytes.
  func set(body: [UInt8]) throws(KubeError) {
    try check(
      CURLOPT_POSTFIELDSIZE_LARGE, ccurl_setopt_offset(pointer, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
    let code = body.withUnsafeBytes { bytes in
      // An empty body needs an address too: without one, libcurl would read it from a callback.
      withUnsafeBytes(of: 0) {
        ccurl_setopt_pointer(
          pointer, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress ?? $0.baseAddress))
      }
    }
    try check(CURLOPT_COPYPOSTFIELDS, code)
  }

  /// Returns libcurl's own text about the last failure.
  func message(for code: CURLcode) -> String {
    errorText[0] == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: errorText)
  }

  private func check(_ option: CURLoption, _ code: CURLcode) throws(KubeError) {
    guard code == CURLE_OK else {
      throw .transport(problem: "option \(option.rawValue): \(String(cString: curl_easy_strerror(code)))")
    }
  }
}
