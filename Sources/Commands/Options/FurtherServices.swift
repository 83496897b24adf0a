import ArgumentParser
import ControlAPI

/// The second to the eighth Service of one command. The parser has no list of arguments in front of a command behind
/// `--`, which is a list itself.
struct FurtherServices: ParsableArguments {
  @Argument(help: .hidden, transform: checked(ObjectName.parseIntercepted)) var second: String?
  @Argument(help: .hidden, transform: checked(ObjectName.parseIntercepted)) var third: String?
  @Argument(help: .hidden, transform: checked(ObjectName.parseIntercepted)) var fourth: String?
  @Argument(help: .hidden, transform: checked(ObjectName.parseIntercepted)) var fifth: String?
  @Argument(help: .hidden, transform: checked(ObjectName.parseIntercepted)) var sixth: String?
  @Argument(help: .hidden, transform: checked(ObjectName.parseIntercepted)) var seventh: String?
  @Argument(help: .hidden, transform: checked(ObjectName.parseIntercepted)) var eighth: String?

  var names: [String] { [second, third, fourth, fifth, sixth, seventh, eighth].compactMap(\.self) }
}
