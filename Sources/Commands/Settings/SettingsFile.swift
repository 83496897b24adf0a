import ControlAPI
import FoundationEssentials
import Inputs
import Yams

/// Reads `config.yaml`: one mapping of keys to scalars.
enum SettingsFile {
  /// Reads the file.
  /// - Returns: empty settings if there is no file.
  /// - Throws: `.badInput` that names file, line and key.
  static func load(_ path: String) throws(ControlError) -> Settings {
    guard FileManager.default.fileExists(atPath: path) else { return Settings() }
    let text: String
    do {
      text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    } catch {
      throw ControlError(
        .badInput, "cannot read the settings in \(path): \(ControlError.aboutFile(error))",
        remedy: "make it readable, or remove it")
    }
    return try parse(text, file: path)
  }

  static func parse(_ text: String, file: String) throws(ControlError) -> Settings {
    var settings = Settings()
    guard let root = try compose(text, file) else { return settings }
    guard case .mapping(let mapping) = root else {
      // A file with only comments is an empty scalar.
      if case .scalar(let scalar) = root, scalar.string.isEmpty { return settings }
      throw problem(file, root.mark, "must be a mapping of keys to values", remedy: "write KEY: VALUE lines")
    }
    for (keyNode, value) in mapping {
      if keyNode.string == "contexts" {
        settings.viaByContext = try contexts(value, file)
        continue
      }
      guard let key = keyNode.string.flatMap(Settings.Key.init(rawValue:)) else {
        throw problem(
          file, keyNode.mark, "\(keyNode.string ?? "this") is no key",
          remedy: "keys are: \(Settings.Key.allCases.map(\.rawValue).joined(separator: ", ")), contexts")
      }
      guard case .scalar(let scalar) = value, value.tag != Tag(.null) else {
        throw problem(
          file, value.mark ?? keyNode.mark, "\(key.rawValue) must be a single value",
          remedy: "write \(key.rawValue): VALUE, or remove the line")
      }
      do {
        try settings.set(key, scalar.string)
      } catch {
        throw problem(
          file, value.mark ?? keyNode.mark, "\(key.rawValue) \(error.message)",
          remedy: "correct the file; docs/settings.md describes each key")
      }
    }
    return settings
  }

  /// Reads `contexts: {NAME: {via: URL}}`: the settings of single contexts.
  private static func contexts(_ node: Node, _ file: String) throws(ControlError) -> [String: String] {
    guard case .mapping(let contexts) = node else {
      throw problem(
        file, node.mark, "contexts must be a mapping of context names",
        remedy: "write contexts: {NAME: {via: ssh://user@host}}")
    }
    var result: [String: String] = [:]
    for (name, value) in contexts {
      guard case .mapping(let keys) = value else {
        throw problem(
          file, value.mark ?? name.mark, "context \(name.string ?? "") must be a mapping",
          remedy: "write \(name.string ?? "NAME"): {via: ssh://user@host}")
      }
      for (key, text) in keys {
        guard key.string == "via" else {
          throw problem(file, key.mark, "\(key.string ?? "this") is no key of a context", remedy: "the key is: via")
        }
        guard case .scalar(let scalar) = text, !scalar.string.isEmpty else {
          throw problem(file, text.mark ?? key.mark, "via must be a single value", remedy: "write via: ssh://user@host")
        }
        result[name.string ?? ""] = scalar.string
      }
    }
    return result
  }

  private static func compose(_ text: String, _ file: String) throws(ControlError) -> Node? {
    do throws(YAMLProblem) { _ = try YAMLText.read(text) } catch {
      if error.kind == .refused {
        throw ControlError(.badInput, "\(file):\(error.line): \(error.message)", remedy: error.remedy)
      }
    }
    do {
      return try Yams.compose(yaml: text, .default, .default, .utf8)
    } catch let error as YamlError {
      switch error {
      case .scanner(_, let what, let mark, _), .parser(_, let what, let mark, _), .composer(_, let what, let mark, _):
        throw problem(file, mark, what, remedy: "correct the YAML")
      case .duplicatedKeysInMapping(let keys, let context):
        throw problem(file, context.mark, "\(keys.joined(separator: ", ")) is given twice", remedy: "keep one of them")
      default: throw problem(file, nil, "\(error)", remedy: "correct the YAML")
      }
    } catch {
      throw problem(file, nil, "\(error)", remedy: "correct the YAML")
    }
  }

  private static func problem(_ file: String, _ mark: Mark?, _ message: String, remedy: String) -> ControlError {
    ControlError(.badInput, "\(file)\(mark.map { ":\($0.line)" } ?? ""): \(message)", remedy: remedy)
  }
}
