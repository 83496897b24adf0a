import ArgumentParser
import ControlAPI
import Exchanges
import HTTPMessages

/// The request of `--explain`, which changes nothing and says who would get it.
struct ExplainArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Change nothing; say who would get this request, such as 'GET /api/users'.", valueName: "request"),
    transform: checked(ExplainedRequest.init))
  var explain: ExplainedRequest?

  @Option(
    name: .customShort("H"),
    help: ArgumentHelp("A header of the request of --explain; may be repeated.", valueName: "name: value"),
    transform: checked(ExplainedRequest.header))
  var headers: [Exchange.Field] = []

  func validate() throws {
    if explain == nil, !headers.isEmpty {
      throw ValidationError("-H is for --explain: an intercept's own option is --header NAME=VALUE")
    }
  }
}

/// A request as `--explain` takes it.
struct ExplainedRequest: Hashable {
  var method: String
  var target: String
}

extension ExplainedRequest {
  init(_ text: String) throws(ControlError) {
    let words = text.split(separator: " ")
    guard let target = words.last, words.count <= 2, target.hasPrefix("/"), words[0].utf8.allSatisfy({ $0 > 0x20 })
    else {
      throw ControlError(.badInput, "write METHOD PATH, such as 'GET /api/users?id=7'")
    }
    method = words.count == 2 ? String(words[0]) : "GET"
    self.target = String(target)
  }
}

extension ExplainedRequest {
  static func header(_ text: String) throws(ControlError) -> Exchange.Field {
    let parts = text.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.allSatisfy(\.isTokenByte) else {
      throw ControlError(.badInput, "write NAME: VALUE, such as 'x-devtunnel: alice'")
    }
    let value = parts[1].drop { $0 == " " }
    return Exchange.Field(String(parts[0]), String(value))
  }
}
