import Foundation
import Testing

@testable import ShellHelper

struct HostPlanTests {
  static let least = "socket /run/s\nid 00112233445566778899aabbccddeeff\n"

  @Test("Every keyword")
  func whole() throws {
    let plan = try HostPlan.parse(Self.least + "cluster-cidr 10.96.0.0/12\ncluster-cidr 10.244.0.0/16\nexclude 10.96.0.1/32\n", file: "plan")
    #expect(plan.clusterCIDRs.map(\.mask.description) == ["255.240.0.0", "255.255.0.0"])
    #expect(plan.excluded.map { "\($0.address)/\($0.length)" } == ["10.96.0.1/32"])
  }

  @Test(
    "An error names file, line and keyword",
    arguments: [
      ("cluster-cidr 10.96.0.1/12", "plan:3: cluster-cidr is no IPv4 range"), ("cluster-cidr 10.0.0.0/0", "is no IPv4 range"),
      ("cluster-cidr ten", "is no IPv4 range"),
      ("exclude ::1", "plan:3: exclude is no IPv4 range"), ("id 0", "plan:3: id is not 32"), ("socket s", "plan:3: socket is no absolute"),
      ("dns 10.96.0.10", "plan:3: dns is no keyword"), ("", "plan: the keyword cluster-cidr is missing"),
    ])
  func wrong(line: String, what: String) {
    let error = #expect(throws: ShellError.self) { try HostPlan.parse(Self.least + line, file: "plan") }
    #expect("\(error as Any)".contains(what), "\(error as Any)")
  }
}

/// A host, and a Pod bridged to it, are network namespaces of the test's own.
@Suite(.serialized, .enabled(if: getuid() == 0 && ShellFixture.isAllowed))
struct HostRunTests {
  let fixture: ShellFixture
  let daemon: FakeDaemon

  init() throws {
    fixture = try ShellFixture()
    daemon = try fixture.daemon()
  }

  /// `$helper` runs; `$pod` is a process in the Pod.
  private func run(_ script: String) throws -> (status: Int32, output: String, errors: String) {
    let plan = try fixture.write("host-plan", "socket \(fixture.path("socket"))\nid \(ShellFixture.id)\ncluster-cidr 10.96.0.0/12\nexclude 10.96.0.1/32\nnameserver 198.51.100.53\n")
    let host = """
      ip link set lo up; ip addr add 192.0.2.1/32 dev lo; ip route add default dev lo src 192.0.2.1
      unshare -n sleep 60 & pod=$!
      until [ "$(readlink /proc/$pod/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
      ip link add v0 type veth peer name v1 netns /proc/$pod/ns/net; ip addr add 172.30.0.1/24 dev v0; ip link set v0 up
      nsenter -t $pod -n sh -c 'ip link set lo up; ip addr add 172.30.0.2/24 dev v1; ip link set v1 up; ip route add default via 172.30.0.1'
      \(fixture.path("devtunnel-shell")) host \(plan) & helper=$!
      for i in $(seq 500); do nft list tables | grep -q devtunnel && break; sleep 0.01; done
      \(script)
      kill $pod; kill $helper 2>/dev/null; wait $helper; echo "status $?"
      nft list tables | grep devtunnel || echo gone
      """
    return try RunningShell(program: "/usr/bin/unshare", arguments: ["-n", "sh", "-c", host], user: 0).result()
  }

  private static let ask = """
    import socket, sys
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10 if len(sys.argv) < 2 else 0.3)
    if len(sys.argv) > 1: s.bind(('', int(sys.argv[1])))
    s.sendto(bytes([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4]) + b'user' + bytes([0, 0, 1, 0, 1]), ('198.51.100.53', 53))
    answer, server = s.recvfrom(512); print(server[0], '.'.join(str(b) for b in answer[-4:]))
    """

  @Test("TCP and DNS of the host and of its Pods goes to the daemon, but not the daemon's own questions; other addresses do not; then all is gone")
  func redirected() throws {
    let result = try run(
      """
      curl -sS --max-time 10 http://10.97.1.1:80/; echo
      nsenter -t $pod -n curl -sS --max-time 10 http://10.97.2.2:8080/; echo
      nsenter -t $pod -n /usr/bin/python3 -c "\(Self.ask)"
      /usr/bin/python3 -c "\(Self.ask)"
      /usr/bin/python3 -c "\(Self.ask)" 61445 2>/dev/null || echo not asked
      for other in 10.96.0.1 10.80.0.1; do curl -s --max-time 0.5 http://$other/ || echo not $other; done
      port=$(nft list chain inet devtunnel output | grep -o 'redirect to :[0-9]*' | cut -d: -f2)
      curl -s --max-time 0.5 http://192.0.2.1:$port/ || echo no way in
      """)
    #expect(
      result.output
        == "10.97.1.1:80\n10.97.2.2:8080\n198.51.100.53 10.9.8.7\n198.51.100.53 10.9.8.7\nnot asked\nnot 10.96.0.1\nnot 10.80.0.1\nno way in\nstatus 0\ngone\n", "\(result.errors)")
    #expect(daemon.events.first == "hello \(ShellFixture.id) dns=1 icmp=false udp=false mode=redirect")
    #expect(daemon.saw("dns user type=1"))
  }

  @Test("Killed, it leaves nothing")
  func killed() throws {
    let result = try run("kill -9 $helper")
    #expect(result.output == "status 137\ngone\n", "\(result.errors)")
  }

  @Test("It ends with its daemon")
  func daemonGone() throws {
    let ending = Thread { [daemon] in
      _ = daemon.saw("hello")
      daemon.end()
    }
    ending.start()
    let result = try run(
      "for i in $(seq 500); do kill -0 $helper 2>/dev/null || break; [ \"$(cut -d' ' -f3 /proc/$helper/stat)\" = Z ] && break; sleep 0.01; done")
    #expect(result.output == "status 125\ngone\n", "\(result.errors)")
  }

  @Test("Without rights it says what it wants")
  func unprivileged() throws {
    let plan = try fixture.write("host-plan", "socket \(fixture.path("socket"))\nid \(ShellFixture.id)\ncluster-cidr 10.96.0.0/12\n")
    let result = try fixture.start(["host", plan]).result()
    #expect(result.status == 125)
    #expect(result.errors.contains("Operation not permitted; host routes want root"), "\(result.errors)")
  }
}
