import CCurl

extension KubeError {
  /// Interprets a failed transfer.
  init(_ code: CURLcode, _ handle: CurlHandle, server: String) {
    if code != CURLE_ABORTED_BY_CALLBACK, let error = handle.connectorSocket?.error(server: server) {
      self = error
      return
    }
    let cause = handle.message(for: code)
    if let proxy = handle.proxy, let status = Self.proxyStatus(code, handle, proxy) {
      self = .proxy(
        proxy: proxy.url, setBy: proxy.source, hasCredentials: proxy.hasCredentials, server: server, status: status,
        cause: cause)
      return
    }
    self =
      switch code {
      case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_PROXY,
        CURLE_INTERFACE_FAILED:
        .unreachable(server: server, cause: cause)
      case _ where tlsFailures.contains(code): .certificate(server: server, cause: cause)
      case CURLE_OPERATION_TIMEDOUT:
        handle.hadConnection ? .timedOut(server: server, what: cause) : .unreachable(server: server, cause: cause)
      case CURLE_ABORTED_BY_CALLBACK: .cancelled
      case CURLE_NOT_BUILT_IN, CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_FAILED_INIT, CURLE_OUT_OF_MEMORY,
        CURLE_BAD_FUNCTION_ARGUMENT:
        .transport(problem: cause)
      case CURLE_WEIRD_SERVER_REPLY: .badResponse(server: server, problem: cause)
      default: .connectionLost(server: server, cause: cause)
      }
  }

  /// Returns nil if the proxy has connected us, or is not to blame; 0 if it did not answer; else its answer to CONNECT.
  private static func proxyStatus(_ code: CURLcode, _ handle: CurlHandle, _ proxy: ProxySetting) -> Int? {
    guard code != CURLE_ABORTED_BY_CALLBACK else { return nil }
    var answer = 0
    ccurl_getinfo_long(handle.pointer, CURLINFO_HTTP_CONNECTCODE, &answer)
    guard answer == 0 else { return (200..<300).contains(answer) ? nil : answer }
    switch code {
    case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY, CURLE_COULDNT_CONNECT: return 0
    case CURLE_OPERATION_TIMEDOUT, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING: break
    case _ where tlsFailures.contains(code) && proxy.url.hasPrefix("https:"): break
    default: return nil
    }
    // Microseconds until the request could be sent; 0 means that the server has not been reached yet.
    var ready: curl_off_t = 0
    ccurl_getinfo_offset(handle.pointer, CURLINFO_PRETRANSFER_TIME_T, &ready)
    return ready == 0 ? 0 : nil
  }
}

extension CurlHandle {
  /// True if there was a connection to the server, new or reused: curl's times are not 0 then (microseconds).
  fileprivate var hadConnection: Bool {
    var connected: curl_off_t = 0
    var ready: curl_off_t = 0
    ccurl_getinfo_offset(pointer, CURLINFO_CONNECT_TIME_T, &connected)
    ccurl_getinfo_offset(pointer, CURLINFO_PRETRANSFER_TIME_T, &ready)
    return connected > 0 || ready > 0
  }
}

private let tlsFailures = [
  CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CONNECT_ERROR,
  CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CIPHER,
  CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT,
]
