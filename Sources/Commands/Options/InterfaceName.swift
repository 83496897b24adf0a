import ControlAPI

/// A network interface of this machine, or the beginning of several names followed by a star.
enum InterfaceName {
  static func parse(_ text: String) throws(ControlError) -> String {
    let name = text.hasSuffix("*") ? text.dropLast() : text[...]
    let isPlain = name.utf8.allSatisfy { (0x21...0x7e).contains($0) && !"/:*".utf8.contains($0) }
    guard (1...15).contains(name.utf8.count), isPlain, name != ".", name != ".." else {
      throw ControlError(
        .badInput,
        "an interface's name has 1 to 15 characters, such as docker0 or cali*, not \(text.isEmpty ? "nothing" : text)")
    }
    return text
  }
}
