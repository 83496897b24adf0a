import ControlAPI
import Testing

@testable import Commands

@Suite struct ContainerArgumentTests {
  @Test(arguments: [
    ("app", ContainerArgument(name: "app")), ("app:8080", ContainerArgument(name: "app", port: 8080)),
  ])
  func aNameWithOrWithoutAPort(text: String, expected: ContainerArgument) throws {
    #expect(try ContainerArgument.parse(text) == expected)
  }

  @Test(arguments: ["", ":8080", "app:", "app:0", "app:70000", "app:http", "app:1:2"])
  func refusesOthers(text: String) { #expect(throws: ControlError.self) { try ContainerArgument.parse(text) } }
}
