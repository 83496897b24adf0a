import ControlAPI
import KubeObjects

/// A tool that a client may call.
struct MCPTool: Sendable {
  var name: String
  var title: String
  var description: String
  var parameters: [MCPParameter] = []
  /// True if it changes a cluster or this machine.
  var changes = false

  /// The tool as `tools/list` shows it.
  var json: JSONValue {
    var properties: [String: JSONValue] = [:]
    for parameter in parameters { properties[parameter.name] = parameter.schema }
    let required = parameters.filter(\.isRequired).map { JSONValue($0.name) }
    var schema: JSONValue = ["type": "object", "properties": .object(properties), "additionalProperties": false]
    if !required.isEmpty { schema["required"] = .array(required) }
    return [
      "name": .string(name), "title": .string(title), "description": .string(description), "inputSchema": schema,
      "annotations": [
        "readOnlyHint": .bool(!changes), "destructiveHint": false, "idempotentHint": .bool(!changes),
        "openWorldHint": true,
      ],
    ]
  }
}

/// A parameter of a tool.
struct MCPParameter: Sendable {
  enum Kind: Sendable {
    case text, flag, texts
    case number(ClosedRange<Int>)
  }

  var name: String
  var kind: Kind
  var description: String
  var isRequired: Bool

  init(_ name: String, _ kind: Kind, _ description: String, isRequired: Bool = false) {
    self.name = name
    self.kind = kind
    self.description = description
    self.isRequired = isRequired
  }

  fileprivate var schema: JSONValue {
    var schema: JSONValue = ["description": .string(description)]
    switch kind {
    case .text: schema["type"] = "string"
    case .flag: schema["type"] = "boolean"
    case .texts:
      schema["type"] = "array"
      schema["items"] = ["type": "string"]
    case .number(let range):
      schema["type"] = "integer"
      schema["minimum"] = JSONValue(range.lowerBound)
      schema["maximum"] = JSONValue(range.upperBound)
    }
    return schema
  }

  /// Returns the problem of a value; nil if it has none.
  fileprivate func problem(_ value: JSONValue) -> String? {
    switch kind {
    case .text: value.stringValue == nil ? "must be a string" : nil
    case .flag: value.boolValue == nil ? "must be true or false" : nil
    case .texts:
      value.arrayValue?.allSatisfy { $0.stringValue != nil } == true ? nil : "must be an array of strings"
    case .number(let range):
      value.intValue.map(range.contains) == true
        ? nil : "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
    }
  }
}

/// The arguments of a call, as its tool's parameters allow them.
struct MCPArguments: Sendable {
  private var values: [String: JSONValue]

  /// - Throws: `.badInput`, with the parameter and the remedy.
  init(_ arguments: JSONValue?, of tool: MCPTool) throws(ControlError) {
    guard let values = (arguments ?? [:]).objectValue else {
      throw ControlError(.badInput, "the arguments of \(tool.name) must be an object")
    }
    for name in values.keys.sorted() where !tool.parameters.contains(where: { $0.name == name }) {
      let known = tool.parameters.map(\.name).joined(separator: ", ")
      throw ControlError(
        .badInput, "\(tool.name) has no parameter '\(name)'",
        remedy: known.isEmpty ? "It takes none." : "It takes: \(known).")
    }
    for parameter in tool.parameters {
      guard let value = values[parameter.name], !value.isNull else {
        if parameter.isRequired {
          throw ControlError(
            .badInput, "\(tool.name) needs '\(parameter.name)': \(parameter.description)")
        }
        continue
      }
      if let problem = parameter.problem(value) {
        throw ControlError(.badInput, "'\(parameter.name)' \(problem)", remedy: parameter.description)
      }
    }
    self.values = values
  }

  func text(_ name: String) -> String? { values[name]?.stringValue }
  func flag(_ name: String) -> Bool { values[name]?.boolValue ?? false }
  func number(_ name: String) -> Int? { values[name]?.intValue }
  func texts(_ name: String) -> [String] { (values[name]?.elements ?? []).compactMap(\.stringValue) }
}
