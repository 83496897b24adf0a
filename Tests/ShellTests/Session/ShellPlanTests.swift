import Testing

@testable import Shell

@Suite struct ShellPlanTests {
  @Test func saysALineForEachThing() {
    var plan = ShellPlan(socket: "/run/user/1000/devtunnel/shell.sock", id: "ab")
    plan.dns = ["10.96.0.10"]
    plan.resolvConf = "/x/resolv.conf"
    plan.binds = [("/x/files/etc/my app", "/etc/my app")]
    plan.hostPorts = [5432]
    #expect(
      plan.text == """
        socket /run/user/1000/devtunnel/shell.sock
        id ab
        address 198.18.0.2
        dns 10.96.0.10
        resolv-conf /x/resolv.conf
        bind /x/files/etc/my%20app /etc/my%20app
        host-port 5432

        """)
  }

  @Test(arguments: [("/a/b", "/a/b"), ("/a b", "/a%20b"), ("/100%", "/100%25"), ("/ä", "/%C3%A4"), ("/a\nb", "/a%0Ab")])
  func encodesWhatWouldEndAWord(path: String, expected: String) { #expect(ShellPlan.encode(path) == expected) }
}
