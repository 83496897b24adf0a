import Bastion
import Testing

struct BastionURLTests {
  @Test(arguments: [
    ("ssh://host", BastionURL(host: "host")),
    ("ssh://host/", BastionURL(host: "host")),
    ("ssh://alice@host:2222", BastionURL(user: "alice", host: "host", port: 2222)),
    ("ssh://alice@corp@host", BastionURL(user: "alice@corp", host: "host")),
    ("ssh://[fd00::1]:22", BastionURL(host: "fd00::1", port: 22)),
  ]) func isRead(text: String, url: BastionURL) throws {
    let read = try BastionURL(text)
    #expect(read == url)
    #expect(try BastionURL(read.description) == url)
  }

  @Test(arguments: [
    "host", "http://host", "ssh://", "ssh://@host", "ssh://alice:secret@host", "ssh://host:0", "ssh://host:65536",
    "ssh://host:x", "ssh://fd00::1",
    "ssh://[fd00::1", "ssh://host/path", "ssh://a b", "ssh://-oProxyCommand=x", "ssh://-l@host", "ssh://host:",
  ]) func isRefusedWithItsText(text: String) {
    let error = #expect(throws: BastionError.self) { try BastionURL(text) }
    #expect(error?.description.contains("'\(text)'") == true)
  }
}
