internal import CLibYAML

/// A value to write as YAML.
public indirect enum YAMLOutput: Sendable {
  public enum Style: Sendable {
    /// Without quotes, if YAML's grammar allows that for the text; else in single quotes.
    case plain
    case doubleQuoted
    /// Lines below a `|`, if the grammar allows that for the text; else in double quotes.
    case literal
  }

  case scalar(String, Style)
  case sequence([YAMLOutput])
  case mapping([(key: YAMLOutput, value: YAMLOutput)])
}

/// Writes YAML by libyaml's events.
public enum YAMLEmitter {
  /// Returns one document: a block of lines without the markers around documents, empty lists and mappings as `[]` and
  /// `{}`; nil if libyaml cannot write it.
  public static func text(_ value: YAMLOutput) -> String? {
    var emitter = yaml_emitter_t()
    guard yaml_emitter_initialize(&emitter) == 1 else { return nil }
    defer { yaml_emitter_delete(&emitter) }
    let written = Written()
    yaml_emitter_set_output(
      &emitter,
      { context, bytes, count in
        guard let context, let bytes else { return 0 }
        let written = Unmanaged<Written>.fromOpaque(context).takeUnretainedValue()
        written.bytes += UnsafeBufferPointer(start: bytes, count: count)
        return 1
      }, Unmanaged.passUnretained(written).toOpaque())
    yaml_emitter_set_width(&emitter, -1)
    yaml_emitter_set_unicode(&emitter, 1)
    let isWritten =
      emit(&emitter) { yaml_stream_start_event_initialize(&$0, YAML_UTF8_ENCODING) }
      && emit(&emitter) { yaml_document_start_event_initialize(&$0, nil, nil, nil, 1) }
      && emit(value, &emitter)
      && emit(&emitter) { yaml_document_end_event_initialize(&$0, 1) }
      && emit(&emitter) { yaml_stream_end_event_initialize(&$0) }
    return withExtendedLifetime(written) { isWritten ? String(decoding: written.bytes, as: UTF8.self) : nil }
  }

  private final class Written {
    var bytes: [UInt8] = []
  }

  /// The emitter takes the event over, even if it fails.
  private static func emit(_ emitter: inout yaml_emitter_t, _ initialize: (inout yaml_event_t) -> Int32) -> Bool {
    var event = yaml_event_t()
    return initialize(&event) == 1 && yaml_emitter_emit(&emitter, &event) == 1
  }

  private static func emit(_ value: YAMLOutput, _ emitter: inout yaml_emitter_t) -> Bool {
    switch value {
    case .scalar(let text, let style):
      var text = text
      return text.withUTF8 { bytes in
        emit(&emitter) { event in
          yaml_scalar_event_initialize(&event, nil, nil, bytes.baseAddress, Int32(bytes.count), 1, 1, style.scalarStyle)
        }
      }
    case .sequence(let elements):
      let style = elements.isEmpty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE
      return emit(&emitter) { yaml_sequence_start_event_initialize(&$0, nil, nil, 1, style) }
        && elements.allSatisfy { emit($0, &emitter) } && emit(&emitter) { yaml_sequence_end_event_initialize(&$0) }
    case .mapping(let members):
      let style = members.isEmpty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE
      return emit(&emitter) { yaml_mapping_start_event_initialize(&$0, nil, nil, 1, style) }
        && members.allSatisfy { emit($0.key, &emitter) && emit($0.value, &emitter) }
        && emit(&emitter) { yaml_mapping_end_event_initialize(&$0) }
    }
  }
}

extension YAMLOutput.Style {
  fileprivate var scalarStyle: yaml_scalar_style_t {
    switch self {
    case .plain: YAML_PLAIN_SCALAR_STYLE
    case .doubleQuoted: YAML_DOUBLE_QUOTED_SCALAR_STYLE
    case .literal: YAML_LITERAL_SCALAR_STYLE
    }
  }
}
