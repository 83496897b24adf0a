import KubeObjects

extension YAMLNode {
  /// The documents of a text, empty ones left out.
  /// - Parameters:
  ///   - file: the name that positions get.
  ///   - warnings: gets one for each key that stands twice in a mapping: the last one wins, as it does for kubectl.
  /// - Throws: `InputError` with the place where the text stops being YAML.
  public static func documents(in text: String, file: String, warnings: inout [Diagnostic]) throws(InputError) -> [YAMLNode] { fatalError() }

  /// The mapping's members in the file's order.
  /// - Throws: `InputError` for anything that is no mapping.
  public func members() throws(InputError) -> [Member] { fatalError() }
  public func elements() throws(InputError) -> [YAMLNode] { fatalError() }
  /// A scalar's text, whatever its type: `8080` is "8080".
  public func string() throws(InputError) -> String { fatalError() }
  public func bool() throws(InputError) -> Bool { fatalError() }
  public func int() throws(InputError) -> Int { fatalError() }
  /// A member that is there and not null; nil for anything that is no mapping.
  public subscript(key: String) -> YAMLNode? { fatalError() }
  /// The value as JSON, plain scalars by the rules kubectl reads them by.
  public var json: JSONValue { fatalError() }
  /// An error at this node.
  public func error(_ message: String, remedy: String? = nil) -> Diagnostic { Diagnostic(.error, message, at: position, field: path, remedy: remedy) }
  public func warning(_ message: String, remedy: String? = nil) -> Diagnostic { Diagnostic(.warning, message, at: position, field: path, remedy: remedy) }
}
