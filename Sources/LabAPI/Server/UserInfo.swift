/// The user who makes a request.
struct UserInfo: Sendable, Equatable {
  var name: String
  var groups: [String]

  static let anonymous = UserInfo(name: "system:anonymous", groups: ["system:unauthenticated"])

  var isAuthenticated: Bool { groups.contains("system:authenticated") }
}
