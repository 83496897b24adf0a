import ControlAPI
import Testing

@testable import Commands

struct PortArgumentsTests {
  @Test(arguments: [
    ("8080", PortMapping(local: 8080)), ("8080:80", PortMapping(local: 8080, remote: "80")),
    ("1:grpc", PortMapping(local: 1, remote: "grpc")),
    ("65535:h2-c", PortMapping(local: 65535, remote: "h2-c")), ("80:080", PortMapping(local: 80, remote: "80")),
  ])
  func mappings(text: String, mapping: PortMapping) throws { #expect(try PortMapping(argument: text) == mapping) }

  @Test(arguments: [
    "", "0", "65536", "-1", "http", "8080:", ":80", "80:80:80", "80: 80", "80:HTTP", "80:-a", "80:a-", "80:_", "+80",
    "8o",
  ])
  func mistakesInMappings(text: String) { #expect(throws: ControlError.self) { try PortMapping(argument: text) } }

  @Test func severalMappingsMustEachNameTheirPort() throws {
    try PortMapping.check([])
    try PortMapping.check([PortMapping(local: 1)])
    try PortMapping.check([PortMapping(local: 1, remote: "a"), PortMapping(local: 1, remote: "b")])
    #expect(throws: ControlError.self) {
      try PortMapping.check([PortMapping(local: 1), PortMapping(local: 2, remote: "b")])
    }
    #expect(throws: ControlError.self) {
      try PortMapping.check([PortMapping(local: 1, remote: "b"), PortMapping(local: 2, remote: "b")])
    }
  }

  @Test(arguments: [
    ("5432", ForwardRequest.Port(host: 5432, remote: "5432")),
    ("9000:http", ForwardRequest.Port(host: 9000, remote: "http")),
    (":5432", ForwardRequest.Port(host: 0, remote: "5432")), ("0:5432", ForwardRequest.Port(host: 0, remote: "5432")),
    ("http", ForwardRequest.Port(host: 0, remote: "http")),
  ])
  func forwardPorts(text: String, port: ForwardRequest.Port) throws {
    #expect(try ForwardRequest.Port(argument: text) == port)
  }

  @Test(arguments: ["", ":", "1:", "1:2:3", "70000", "1:70000", "web:80"])
  func mistakesInForwardPorts(text: String) {
    #expect(throws: ControlError.self) { try ForwardRequest.Port(argument: text) }
  }

  @Test func names() throws {
    #expect(try ObjectName.parseService("user") == "user")
    #expect(try ObjectName.parseService("svc/user") == "user")
    #expect(try ObjectName.parseTarget("deploy/user") == "deploy/user")
    for text in ["", "User", "a/b", "svc/", "-a", "a.b", String(repeating: "a", count: 64)] {
      #expect(throws: ControlError.self) { try ObjectName.parseService(text) }
    }
    for text in ["", "/", "pod/", "/a", "a/b/c", "Pod/a"] {
      #expect(throws: ControlError.self) { try ObjectName.parseTarget(text) }
    }
  }
}
