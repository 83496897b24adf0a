import ControlAPI
import FoundationEssentials
import Inputs
import KubeObjects

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
    guard case .mapping(let entries) = root.content else {
      // An empty document is an empty scalar.
      if case .scalar("", _) = root.content { return settings }
      throw problem(file, root.mark, "must be a mapping of keys to values", remedy: "write KEY: VALUE lines")
    }
    try checkKeys(entries, file)
    for entry in entries {
      if entry.key == "contexts" {
        settings.viaByContext = try contexts(entry.value, file)
        continue
      }
      guard let key = Settings.Key(rawValue: entry.key) else {
        throw problem(
          file, entry.mark, "\(entry.key) is no key",
          remedy: "keys are: \(Settings.Key.allCases.map(\.rawValue).joined(separator: ", ")), contexts")
      }
      guard case .scalar(let text, let isPlain) = entry.value.content, !isPlain || !YAMLScalar.isNull(text) else {
        throw problem(
          file, entry.value.mark, "\(key.rawValue) must be a single value",
          remedy: "write \(key.rawValue): VALUE, or remove the line")
      }
      do {
        try settings.set(key, text)
      } catch {
        throw problem(
          file, entry.value.mark, "\(key.rawValue) \(error.message)",
          remedy: "correct the file; docs/settings.md describes each key")
      }
    }
    return settings
  }

  /// Reads `contexts: {NAME: {via: URL}}`: the settings of single contexts.
  private static func contexts(_ value: YAMLValue, _ file: String) throws(ControlError) -> [String: String] {
    guard case .mapping(let contexts) = value.content else {
      throw problem(
        file, value.mark, "contexts must be a mapping of context names",
        remedy: "write contexts: {NAME: {via: ssh://user@host}}")
    }
    try checkKeys(contexts, file)
    var result: [String: String] = [:]
    for context in contexts {
      guard case .mapping(let entries) = context.value.content else {
        throw problem(
          file, context.value.mark, "context \(context.key) must be a mapping",
          remedy: "write \(context.key): {via: ssh://user@host}")
      }
      try checkKeys(entries, file)
      for entry in entries {
        guard entry.key == "via" else {
          throw problem(file, entry.mark, "\(entry.key) is no key of a context", remedy: "the key is: via")
        }
        guard case .scalar(let text, _) = entry.value.content, !text.isEmpty else {
          throw problem(file, entry.value.mark, "via must be a single value", remedy: "write via: ssh://user@host")
        }
        result[context.key] = text
      }
    }
    return result
  }

  private static func checkKeys(_ entries: [YAMLValue.Entry], _ file: String) throws(ControlError) {
    for entry in entries {
      guard let last = entry.last else { continue }
      throw problem(file, last, "\(entry.key) is given twice", remedy: "keep one of them")
    }
  }

  private static func compose(_ text: String, _ file: String) throws(ControlError) -> YAMLValue? {
    let documents: [YAMLValue]
    do throws(YAMLProblem) { documents = try YAMLText.read(text) } catch {
      throw ControlError(
        .badInput, "\(file):\(error.line): \(error.message)", remedy: error.remedy ?? "correct the YAML")
    }
    if documents.count > 1 {
      throw problem(file, documents[1].mark, "a second document begins here", remedy: "keep one of them")
    }
    return documents.first
  }

  private static func problem(_ file: String, _ mark: YAMLMark, _ message: String, remedy: String) -> ControlError {
    ControlError(.badInput, "\(file):\(mark.line): \(message)", remedy: remedy)
  }
}
