import CControl
import ControlAPI

/// Turns this process into another program (execve(2)).
enum ProgramEntry {
  /// - Throws: `.failed` if the program cannot be started; otherwise it does not return.
  static func become(_ program: String, _ arguments: [String], _ environment: [String: String]) throws(ControlError) {
    let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let code = withStrings(arguments) { arguments in
      withStrings(variables) { variables in ccontrol_execute(program, arguments, variables) }
    }
    throw .system("cannot start \(program)", Int(code))
  }

  private static func withStrings(_ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32)
    -> Int32
  {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { text in
      let bytes = Array(text.utf8CString)
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
      copy.initialize(from: bytes, count: bytes.count)
      return copy
    }
    pointers.append(nil)
    defer { for pointer in pointers { pointer?.deallocate() } }
    return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
  }
}
