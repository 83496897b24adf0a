import Foundation
import Testing

@testable import ShellHelper

struct HostPlanTests {
  static let least = "socket /run/s\nid 00112233445566778899aabbccddeeff\n"

  @Test("Every keyword")
  func whole() throws {
    let plan = try HostPlan.parse(
      Self.least
        + "cluster-cidr 10.96.0.0/12\ncluster-cidr 10.244.0.0/16\nexclude 10.96.0.1/32\nbridge docker0\nbridge cali*\n",
      file: "plan")
    #expect(plan.clusterCIDRs.map(\.mask.description) == ["255.240.0.0", "255.255.0.0"])
    #expect(plan.excluded.map { "\($0.address)/\($0.length)" } == ["10.96.0.1/32"])
    #expect(plan.bridges.map(\.description) == ["docker0", "cali*"])
  }

  @Test(
    "An error names file, line and keyword",
    arguments: [
      ("cluster-cidr 10.96.0.1/12", "plan:3: cluster-cidr is no IPv4 range"),
      ("cluster-cidr 10.0.0.0/0", "is no IPv4 range"),
      ("cluster-cidr ten", "is no IPv4 range"),
      ("exclude ::1", "plan:3: exclude is no IPv4 range"), ("id 0", "plan:3: id is not 32"),
      ("socket s", "plan:3: socket is no absolute"),
      ("bridge *", "plan:3: bridge is no interface's name"), ("bridge a/b", "bridge is no interface's name"),
      ("bridge 0123456789abcdef", "bridge is no"),
      ("dns 10.96.0.10", "plan:3: the keyword is none of"), ("", "plan: the keyword cluster-cidr is missing"),
    ])
  func wrong(line: String, what: String) {
    let error = #expect(throws: ShellError.self) { try HostPlan.parse(Self.least + line, file: "plan") }
    #expect("\(error as Any)".contains(what), "\(error as Any)")
  }
}

struct NameserversTests {
  @Test func ofAResolvConf() {
    let text =
      "# a\nnameserver 10.0.0.1\n\tnameserver\t10.0.0.2 \nnameserver ::1\nnameserver\nsearch nameserver 1.1.1.1\n"
    #expect(HostTable.nameservers(text).map(\.description) == ["10.0.0.1", "10.0.0.2"])
    #expect(HostTable.nameservers("").isEmpty)
  }
}

/// The bridges whose packets are redirected, as a table.
struct HostBridgesTests {
  /// A bridge, 1, and its ports.
  private func links(_ ports: [(name: String, kind: String)]) -> [NetworkLink] {
    [NetworkLink(index: 1, name: "br0", kind: "bridge")]
      + ports.enumerated().map {
        NetworkLink(index: Int32(2 + $0.offset), name: $0.element.name, kind: $0.element.kind, master: 1)
      }
  }

  private func names(_ links: [NetworkLink], _ named: [String] = [], _ uplinks: Set<String> = []) -> [String] {
    HostBridges.guests(links, named: named.compactMap { InterfacePattern($0) }, uplinks: uplinks).map(\.description)
  }

  @Test("A bridge of guests alone is one; a port to somewhere else makes it a part of that network")
  func bridges() {
    #expect(names(links([])) == ["br0"])
    #expect(names(links([("veth1", "veth"), ("tap0", "tun"), ("nic", "dummy")])) == ["br0"])
    for kind in ["", "vlan", "bond", "vxlan", "macvlan", "gretap", "wireguard", "geneve", "bridge"] {
      #expect(names(links([("veth1", "veth"), ("eth0", kind)])).isEmpty, "\(kind)")
    }
  }

  @Test("The way out is nobody's bridge: the bridge with the default route, or whose port has it")
  func uplinks() {
    #expect(names(links([("veth1", "veth")]), [], ["br0"]).isEmpty)
    #expect(names(links([("eth0", "veth")]), [], ["eth0"]).isEmpty)
    #expect(names(links([("veth1", "veth")]), [], ["eth9"]) == ["br0"])
  }

  @Test("Other interfaces are led only where a person names them, whatever they are; each once")
  func named() {
    let links =
      links([("eth0", "")]) + [
        NetworkLink(index: 8, name: "cali1", kind: "veth"), NetworkLink(index: 9, name: "docker0", kind: "bridge"),
      ]
    #expect(names(links) == ["docker0"])
    #expect(names(links, ["cali*", "br0", "docker0"]) == ["cali*", "br0", "docker0"])
  }

  @Test("A bridge whose name is another's pattern is not taken for it")
  func star() { #expect(names([NetworkLink(index: 1, name: "e*", kind: "bridge")]).isEmpty) }

  @Test("The interfaces with a default route, halves of it too")
  func routes() {
    let head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    func line(_ device: String, _ mask: String) -> String {
      "\(device)\t00000000\t0101A8C0\t0003\t0\t0\t0\t\(mask)\t0\t0\t0\n"
    }
    #expect(
      HostBridges.uplinks(
        routes: head + line("eth0", "00000000") + line("tun0", "00000080") + line("docker0", "0000FFFF")) == [
          "eth0", "tun0",
        ])
  }

  @Test("rtnetlink's messages: name, kind and master of each interface; nonsense ends the reading")
  func messages() {
    func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
      let length = UInt16(4 + value.count)
      return [UInt8(truncatingIfNeeded: length), 0, UInt8(truncatingIfNeeded: type), UInt8(type >> 8)] + value
        + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    }
    let kind = attribute(0x8000 | 18, attribute(1, Array("veth\0".utf8)))
    let body =
      [0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + attribute(3, Array("v0\0".utf8)) + attribute(10, [5, 0, 0, 0])
      + kind
    let message = [UInt8(16 + body.count), 0, 0, 0, 16, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0] + body
    let done: [UInt8] = [20, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    let (links, isLast) = NetlinkSocket.links(in: (message + done)[...])
    #expect(links == [NetworkLink(index: 7, name: "v0", kind: "veth", master: 5)] && isLast)
    for count in 0..<message.count { #expect(NetlinkSocket.links(in: message.prefix(count)).links.isEmpty) }
  }
}

/// A host, a Pod bridged to it, and a neighbour of the host's on a line of its own are network namespaces of the
/// test's.
@Suite(.serialized, .enabled(if: getuid() == 0 && ShellFixture.isAllowed))
struct HostRootTests {
  let fixture: ShellFixture
  let daemon: FakeDaemon

  init() throws {
    fixture = try ShellFixture()
    daemon = try fixture.daemon()
  }

  /// `$helper` runs; `$pod` is a process in the Pod (172.30.0.2), `$neighbour` one in the neighbour's, whose way to
  /// everywhere is the host (203.0.113.1).
  private func run(_ script: String, plan more: String = "") throws -> (status: Int32, output: String, errors: String) {
    let plan = try fixture.write(
      "host-plan",
      "socket \(fixture.path("socket"))\nid \(ShellFixture.id)\ncluster-cidr 10.96.0.0/12\nexclude 10.96.0.1/32\n"
        + "nameserver 198.51.100.53\n"
        + more)
    // Twice a second the helper looks at the host's resolv.conf, and follows it.
    let resolv = try fixture.write("resolv.conf", "nameserver 198.51.100.53\n")
    let host = """
      mount --bind \(resolv) /etc/resolv.conf
      ip link set lo up; ip addr add 192.0.2.1/32 dev lo; ip route add default dev lo src 192.0.2.1
      echo 1 > /proc/sys/net/ipv4/ip_forward
      machine() {
        unshare -n sleep 60 & until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]
        do sleep 0.01; done
      }
      line() { # PID END OURS THEIRS
        ip link add $2 type veth peer name e0 netns /proc/$1/ns/net; ip link set $2 up
        nsenter -t $1 -n sh -c "ip link set lo up; ip addr add $4/24 dev e0
          ip link set e0 up; ip route add default via $3"
      }
      machine; pod=$!; machine; neighbour=$!
      ip link add br0 type bridge; ip addr add 172.30.0.1/24 dev br0; ip link set br0 up
      line $pod v0 172.30.0.1 172.30.0.2; ip link set v0 master br0
      line $neighbour n0 203.0.113.1 203.0.113.2; ip addr add 203.0.113.1/24 dev n0
      SUDO_UID=\(ShellFixture.user) \(fixture.path("devtunnel-shell")) host \(plan) & helper=$!
      for i in $(seq 500); do nft list tables | grep -q devtunnel && break; sleep 0.01; done
      \(script)
      kill $pod $neighbour; kill $helper 2>/dev/null; wait $helper; echo "status $?"
      nft list tables | grep devtunnel || echo gone
      """
    return try RunningShell(program: "/usr/bin/unshare", arguments: ["-nm", "sh", "-c", host], user: 0).result()
  }

  /// Asks for `user`; arguments: the source port, the server, its port.
  private static let ask = """
    import socket, sys
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(30 if len(sys.argv) < 2 else 0.3)
    if len(sys.argv) > 1: s.bind(('', int(sys.argv[1])))
    server = (sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 2 else ('198.51.100.53', 53)
    s.sendto(bytes([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4]) + b'user' + bytes([0, 0, 1, 0, 1]), server)
    answer, server = s.recvfrom(512)
    print(server[0], '.'.join(str(b) for b in answer[-4:]))
    """

  @Test(
    "The daemon gets TCP and DNS of the host and its Pods, not its own questions or other addresses; then all is gone"
  )
  func redirected() throws {
    let result = try run(
      """
      curl -sS --max-time 10 http://10.97.1.1:80/; echo
      nsenter -t $pod -n curl -sS --max-time 10 http://10.97.2.2:8080/; echo
      nsenter -t $pod -n /usr/bin/python3 -c "\(Self.ask)"
      sleep 0.6
      /usr/bin/python3 -c "\(Self.ask)"
      /usr/bin/python3 -c "\(Self.ask)" 61445 2>/dev/null || echo not asked
      for other in 10.96.0.1 10.80.0.1; do curl -s --max-time 0.5 http://$other/ || echo not $other; done
      port=$(nft list chain inet devtunnel output | grep -o 'redirect to :[0-9]*' | cut -d: -f2)
      curl -s --max-time 0.5 http://192.0.2.1:$port/ || echo no way in
      """)
    #expect(
      result.output
        == """
        10.97.1.1:80
        10.97.2.2:8080
        198.51.100.53 10.9.8.7
        198.51.100.53 10.9.8.7
        not asked
        not 10.96.0.1
        not 10.80.0.1
        no way in
        status 0
        gone

        """,
      "\(result.errors)")
    #expect(daemon.events.first == "hello \(ShellFixture.id) dns=1 icmp=false udp=false mode=redirect")
    #expect(daemon.saw("dns user type=1"))
  }

  @Test(
    "A neighbour reaches no Service and resolves no name; a later bridge is redirected until it has a route out"
  )
  func neighbours() throws {
    let ask = "/usr/bin/python3 -c \"\(Self.ask)\""
    let result = try run(
      """
      there() { nsenter -t $neighbour -n "$@"; }
      there curl -s --max-time 0.5 http://10.97.3.3/ || echo no Service
      there \(ask) 0 198.51.100.53 53 2>/dev/null || echo no name through it
      there \(ask) 0 203.0.113.1 53 2>/dev/null || echo no name of it
      there curl -s --max-time 0.5 telnet://198.51.100.53:53 </dev/null || echo no DNS over TCP
      for port in $(nft list chain inet devtunnel input | grep -o 'dport [0-9]*' | cut -d' ' -f2); do
        there curl -s --max-time 0.3 http://203.0.113.1:$port/ || echo no listener
        there \(ask) 0 203.0.113.1 $port 2>/dev/null || echo no socket
      done
      nsenter -t $pod -n curl -sS --max-time 10 http://10.97.4.4/; echo

      machine; later=$!; ip link add br1 type bridge; ip addr add 172.31.0.1/24 dev br1; ip link set br1 up
      line $later w0 172.31.0.1 172.31.0.2; ip link set w0 master br1
      for i in $(seq 500); do nft list chain inet devtunnel prerouting | grep -q br1 && break; sleep 0.01; done
      nsenter -t $later -n curl -sS --max-time 10 http://10.97.5.5/; echo
      nsenter -t $later -n \(ask)
      ip route add default via 172.31.0.2 metric 5
      for i in $(seq 500); do nft list chain inet devtunnel prerouting | grep -q br1 || break; sleep 0.01; done
      nsenter -t $later -n curl -s --max-time 0.5 http://10.97.6.6/ || echo no guest any longer
      kill $later
      """)
    #expect(
      result.output
        == "no Service\nno name through it\nno name of it\nno DNS over TCP\n"
        + String(repeating: "no listener\nno socket\n", count: 3)
        + "10.97.4.4:80\n10.97.5.5:80\n198.51.100.53 10.9.8.7\nno guest any longer\nstatus 0\ngone\n",
      "\(result.errors)")
    #expect(!daemon.events.contains { $0.contains("10.97.3.3") || $0.contains("10.97.6.6") }, "\(daemon.events)")
    #expect(
      result.errors.contains("Pods at br0 are in the cluster too.") && result.errors.contains("Pods at br0, br1 are"),
      "\(result.errors)")
  }

  @Test("An interface that is no bridge is led where the plan names it")
  func namedInterface() throws {
    let result = try run("nsenter -t $neighbour -n curl -sS --max-time 10 http://10.97.7.7/; echo", plan: "bridge n*\n")
    #expect(result.output == "10.97.7.7:80\nstatus 0\ngone\n", "\(result.errors)")
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
      """
      for i in $(seq 500); do kill -0 $helper 2>/dev/null || break; \
      [ "$(cut -d' ' -f3 /proc/$helper/stat)" = Z ] && break; sleep 0.01; done
      """
    )
    #expect(result.output == "status 125\ngone\n", "\(result.errors)")
  }

  @Test("Without rights it says what it wants")
  func unprivileged() throws {
    let plan = try fixture.write(
      "host-plan", "socket \(fixture.path("socket"))\nid \(ShellFixture.id)\ncluster-cidr 10.96.0.0/12\n")
    let result = try fixture.start(["host", plan]).result()
    #expect(result.status == 125)
    #expect(result.errors.contains("Operation not permitted; host routes need root"), "\(result.errors)")
  }
}
