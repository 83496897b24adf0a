/// The static table (RFC 7541, appendix A).
enum HPACKStaticTable {
  static let count = 61

  /// Returns the name for an index of 1 to 61, which the caller has checked.
  static func name(_ index: Int) -> UnsafeRawBufferPointer { text(index * 2 - 2) }
  static func value(_ index: Int) -> UnsafeRawBufferPointer { text(index * 2 - 1) }

  private static func text(_ number: Int) -> UnsafeRawBufferPointer {
    let start = Int(places[number])
    return UnsafeRawBufferPointer(
      start: UnsafeRawPointer(texts.utf8Start) + start, count: Int(places[number + 1]) - start)
  }

  /// Each name and value, one behind the other.
  private static let texts: StaticString = """
    :authority:methodGET:methodPOST:path/:path/index.html:schemehttp:schemehttps:status200:status204:sta\
    tus206:status304:status400:status404:status500accept-charsetaccept-encodinggzip, deflateaccept-langu\
    ageaccept-rangesacceptaccess-control-allow-originageallowauthorizationcache-controlcontent-dispositi\
    oncontent-encodingcontent-languagecontent-lengthcontent-locationcontent-rangecontent-typecookiedatee\
    tagexpectexpiresfromhostif-matchif-modified-sinceif-none-matchif-rangeif-unmodified-sincelast-modifi\
    edlinklocationmax-forwardsproxy-authenticateproxy-authorizationrangerefererrefreshretry-afterservers\
    et-cookiestrict-transport-securitytransfer-encodinguser-agentvaryviawww-authenticate
    """
  /// The place of each text.
  private static let places: [UInt16] = [
    0, 10, 10, 17, 20, 27, 31, 36, 37, 42, 53, 60, 64, 71, 76, 83, 86, 93, 96, 103, 106, 113, 116, 123, 126, 133,
    136, 143, 146, 160, 160, 175, 188, 203, 203, 216, 216, 222, 222, 249, 249, 252, 252, 257, 257, 270, 270, 283,
    283, 302, 302, 318, 318, 334, 334, 348, 348, 364, 364, 377, 377, 389, 389, 395, 395, 399, 399, 403, 403, 409,
    409, 416, 416, 420, 420, 424, 424, 432, 432, 449, 449, 462, 462, 470, 470, 489, 489, 502, 502, 506, 506, 514,
    514, 526, 526, 544, 544, 563, 563, 568, 568, 575, 575, 582, 582, 593, 593, 599, 599, 609, 609, 634, 634, 651,
    651, 661, 661, 665, 665, 668, 668, 684, 684,
  ]
}
