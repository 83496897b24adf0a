import ControlAPI
import Foundation
import KubeAPI
import Operations
import Testing

extension LabTests {
  /// All that programs in a shell reach, know and have of a pocket cluster.
  @Suite(.sharedLab { [try await $0.loadStreet()] }) struct StreetTests {
    // MARK: Connections and datagrams

    @Test func tcpAndUDPReachServicesAndPodsAndRefusalsAreHeard() async throws {
      let lab = try SharedLab.lab
      try await lab.developer("carriage@host") { alice in
        let outcome = try await lab.inside(
          alice, ShellRequest(cluster: lab.cluster),
          """
          # One read for each datagram, which bash's own is not.
          say() { echo "$1" >&3; timeout 5 head -n 1 <&3; exec 3>&-; }
          exec 3<>/dev/tcp/echo/7; say "tcp to the Service"
          exec 3<>/dev/tcp/first.peers/7; say "tcp to the Pod"
          exec 3<>/dev/udp/echo/7; say "udp to the Service"
          exec 3<>/dev/udp/first.peers/7; say "udp to the Pod"
          for kind in tcp udp; do
            exec 3<>/dev/$kind/first.peers/9; echo x >&3; timeout 5 head -n 1 <&3 2>/dev/null
            [ $? -eq 1 ] && echo "nobody at $kind"
          done
          """)
        #expect(
          outcome.lines == [
            "tcp to the Service", "tcp to the Pod", "udp to the Service", "udp to the Pod", "nobody at tcp",
            "nobody at udp",
          ], "\(outcome)")
        try await eventually("the shell is gone") { await alice.status().outbound.isEmpty }
      }
      try await lab.expectNoTraces()
    }

    @Test func aThousandConnectionsAtOnceAreAllAnswered() async throws {
      let lab = try SharedLab.lab
      try await lab.developer("crowd@host") { alice in
        let outcome = try await lab.inside(
          alice, ShellRequest(cluster: lab.cluster),
          """
          exec python3 - <<'END'
          import resource, selectors, socket
          resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
          address = socket.gethostbyname("echo")
          crowd = {}
          chosen = selectors.DefaultSelector()
          for index in range(1000):
              client = socket.socket()
              client.setblocking(False)
              client.connect_ex((address, 7))
              crowd[client] = b"%04d" % index
              chosen.register(client, selectors.EVENT_WRITE)
          answered = set()
          while len(answered) < 1000:
              ready = chosen.select(20)
              if not ready: break
              for key, event in ready:
                  client = key.fileobj
                  if event & selectors.EVENT_WRITE:
                      client.send(crowd[client])
                      chosen.modify(client, selectors.EVENT_READ)
                  else:
                      assert client.recv(100) == crowd[client]
                      answered.add(client)
                      chosen.unregister(client)
          # None has been closed: all are open at the same time.
          print(len(answered))
          END
          """)
        #expect(outcome.output == "1000\n", "\(outcome)")
      }
    }

    // MARK: Names

    @Test func namesAreThePods() async throws {
      let lab = try SharedLab.lab
      let (web, echo, pod) = try await (
        lab.address(ofService: "web"), lab.address(ofService: "echo"), lab.address(ofPod: "echo")
      )
      try await lab.developer("names@host") { alice in
        let outcome = try await lab.inside(
          alice, ShellRequest(cluster: lab.cluster),
          """
          # The search list and ndots are the Pod's, for libc and for dig.
          sed -n 's/^search //p; s/^options //p' /etc/resolv.conf
          for name in web web.shop web.shop.svc web.office; do getent ahostsv4 $name | sed -n '1s/ .*//p'; done
          dig +short +search web
          echo "SRV $(dig +short SRV _tcp-echo._tcp.echo.shop.svc.cluster.local)"
          echo "PTR $(dig +short -x \(echo))"
          echo "PTR of a Pod $(dig +short -x \(pod))"
          echo "headless $(dig +short peers.shop.svc.cluster.local)"
          echo "of a Pod $(dig +short first.peers.shop.svc.cluster.local)"
          echo "TCP $(dig +tcp +short web.shop.svc.cluster.local)"
          dig +edns=0 web.shop.svc.cluster.local | grep -c 'EDNS: version: 0'
          dig +noedns web.shop.svc.cluster.local | grep -c 'EDNS'
          dig +noedns +ignore many.shop.svc.cluster.local | grep -o 'flags: [a-z ]*tc[a-z ]*'
          dig +noedns +short many.shop.svc.cluster.local | sort -u | wc -l
          dig nobody.shop.svc.cluster.local | grep -o 'status: [A-Z]*'
          getent hosts nobody.shop || echo "libc finds nobody"
          dig +short AAAA web.shop.svc.cluster.local | wc -l
          dig web.shop.svc.cluster.local AAAA | grep -o 'status: [A-Z]*'
          """)
        let office =
          try await lab.client.get(.services, "web", namespace: "office")[path: "spec", "clusterIP"]?.stringValue ?? ""
        #expect(
          outcome.lines == [
            "shop.svc.cluster.local svc.cluster.local cluster.local", "ndots:5", web, web, web, office, web,
            "SRV 0 100 7 echo.shop.svc.cluster.local.", "PTR echo.shop.svc.cluster.local.",
            "PTR of a Pod first.peers.shop.svc.cluster.local.",
            "headless \(pod)", "of a Pod \(pod)", "TCP \(web)", "1", "0", "flags: qr aa tc rd ra", "60",
            "status: NXDOMAIN", "libc finds nobody", "0",
            "status: NOERROR",
          ], "\(outcome)")
      }
    }

    // MARK: What the workload has

    @Test func environmentFilesAndTokenAreTheWorkloads() async throws {
      let lab = try SharedLab.lab
      try await lab.developer("desk@host") { alice in
        var request = ShellRequest(cluster: lab.cluster)
        request.workload = "deploy/full"
        let outcome = try await lab.inside(
          alice, request,
          """
          printf '%s\\n' "$SET_COLOUR" "$WORD" "$TWICE" "$PLACE" "$WEB_SERVICE_PORT" "$ECHO_PORT_7_UDP_PROTO" \
          "$DEVTUNNEL_SHELL"
          [ "$HOME" != /the/pods/own ] && echo "my own home"
          for place in "$DEVTUNNEL_ROOT" ""; do
            cat "$place/lab/settings/app.conf" "$place/lab/password/word"; echo
            grep -c 'tier="back"' "$place/lab/about/labels"
            cat "$place/var/run/secrets/kubernetes.io/serviceaccount/token"; echo
          done
          stat -c %a "$DEVTUNNEL_ROOT"
          id -u; pwd
          """)
        let variables = [
          "green", "sesame", "sesame sesame $(NOBODY)", "shop", "80", "udp", "devtunnel-lab/shop/Deployment/full",
          "my own home",
        ]
        let files = ["level = 3", "sesame", "1", "lab"]
        let rest: [String] = ["700", "\(getuid())", FileManager.default.currentDirectoryPath]
        let expected: [String] = variables + files + files + rest
        #expect(outcome.lines == expected, "\(outcome)")
        #expect(!FileManager.default.fileExists(atPath: "/lab"))
        try await eventually("the shell is gone, and its files") { await alice.status().outbound.isEmpty }
      }
      try await lab.expectNoTraces()
    }

    // MARK: Routes

    @Test func routesGoWhereThePersonSays() async throws {
      let lab = try SharedLab.lab
      try await Neighbour.run(lab) { neighbour in
        // The public address is the neighbour's for the host, and for the cluster one of its node's.
        try await command([
          "nsenter", "--net=\(lab.node.namespacePath)", "ip", "address", "add", "\(neighbour.publicAddress)/32", "dev",
          "lo",
        ])
        let beyond = try await NamespaceServer(in: lab.node.namespacePath, port: 8088, page: "beyond the cluster\n")
        let beside = try await NamespaceServer(in: neighbour.namespace, port: 8088, page: "beside the host\n")
        defer {
          beyond.stop()
          beside.stop()
        }
        func ask(_ alice: ClusterOperations, _ change: (inout OutboundOptions) -> Void = { _ in }) async throws
          -> [String]
        {
          var request = ShellRequest(cluster: lab.cluster)
          change(&request.outbound)
          return try await lab.inside(
            alice, request,
            """
            for address in \(neighbour.publicAddress) \(neighbour.address); do
              timeout 5 busybox wget -qO- http://$address:8088/ 2>/dev/null || echo "no way"
            done
            """
          ).lines
        }
        try await lab.developer("compass@host") { alice in
          #expect(try await ask(alice) == ["beside the host", "no way"])
          #expect(
            try await ask(alice) { $0.viaHost = ["\(neighbour.address)/32"] } == ["beside the host", "beside the host"])
          #expect(try await ask(alice) { $0.viaCluster = ["203.0.113.0/24"] } == ["beyond the cluster", "no way"])
          #expect(try await ask(alice) { $0.allViaCluster = true } == ["beyond the cluster", "no way"])
          let both = try await ask(alice) {
            $0.allViaCluster = true
            $0.viaHost = ["203.0.113.0/24"]
          }
          #expect(both == ["beside the host", "no way"])
        }
      }
    }

    @Test func theHostIsReachedByItsNameAndAtThePortsThatFallThrough() async throws {
      let lab = try SharedLab.lab
      let (named, other) = (try HostServer("a port that falls through"), try HostServer("another port"))
      defer {
        named.stop()
        other.stop()
      }
      try await lab.developer("threshold@host") { alice in
        var request = ShellRequest(cluster: lab.cluster)
        request.hostPorts = [named.port]
        let outcome = try await lab.inside(
          alice, request,
          """
          busybox wget -qO- http://127.0.0.1:\(named.port)/; echo
          busybox wget -qO- http://127.0.0.1:\(other.port)/ 2>/dev/null || echo "the shell's own 127.0.0.1"
          busybox wget -qO- http://host.devtunnel.internal:\(other.port)/; echo
          """)
        #expect(
          outcome.lines == ["a port that falls through", "the shell's own 127.0.0.1", "another port"], "\(outcome)")
      }
    }

    // MARK: Several at once, and what goes wrong

    @Test func shellsOfTwoClustersAndTwoNamespacesAreOpenAtOnce() async throws {
      let lab = try SharedLab.lab
      try await Lab.run { second in
        // The same addresses, another cluster.
        try await second.create(
          yaml: """
            apiVersion: v1
            kind: Service
            metadata: {name: only-here, namespace: shop}
            spec: {clusterIP: None, selector: {app: web}, ports: [{port: 8080}]}
            """)
        try await lab.developer("many@host") { alice in
          var requests = [
            ShellRequest(cluster: lab.cluster), ShellRequest(cluster: lab.cluster),
            ShellRequest(cluster: second.cluster),
          ]
          requests[1].cluster.namespace = "office"
          let reports = try await [
            alice.shell(requests[0]) { _ in }, alice.shell(requests[1]) { _ in }, alice.shell(requests[2]) { _ in },
          ]
          let script = """
            \(Lab.await)
            touch "$LAB/open-$DEVTUNNEL_NUMBER"; await all-open
            busybox wget -qO- http://web/
            getent ahostsv4 only-here >/dev/null && echo "only here" || echo "not here"
            """
          let outcomes = try await withThrowingTaskGroup(of: (Int, Outcome).self) { group in
            for (index, report) in reports.enumerated() {
              group.addTask { (index, try await lab.enter(report, "DEVTUNNEL_NUMBER=\(index)\n" + script)) }
            }
            for index in reports.indices { try await lab.untilMarked("open-\(index)") }
            #expect(await alice.status().outbound.filter { $0.kind == "shell" }.count == 3)
            try lab.mark("all-open")
            var all: [Int: Outcome] = [:]
            for try await (index, outcome) in group { all[index] = outcome }
            return all
          }
          #expect(outcomes[0]?.lines == ["hello from the cluster", "not here"], "\(outcomes)")
          #expect(outcomes[1]?.lines == ["hello from the office", "not here"], "\(outcomes)")
          #expect(outcomes[2]?.lines == ["hello from the cluster", "only here"], "\(outcomes)")
        }
      }
    }

    @Test func anAgentThatIsGoneEndsConnectionsAndTheNextOneTakesNewOnes() async throws {
      let lab = try SharedLab.lab
      try await lab.developer("loss@host") { alice in
        var request = ShellRequest(cluster: lab.cluster)
        request.service = "web"
        let report = try await alice.shell(request) { _ in }
        async let shell = lab.enter(
          report,
          """
          exec 3<>/dev/tcp/echo/7; echo before >&3; read -t 5 line <&3; echo "$line"
          touch "$LAB/loss-open"
          # Reset, not left hanging.
          read -t 30 line <&3; [ $? -eq 1 ] && echo "the connection is over"
          for i in $(seq 60); do page=$(timeout 5 busybox wget -qO- http://web/ 2>/dev/null) && break; sleep 0.2; done
          echo "$page"
          getent hosts web >/dev/null && echo "names too"
          """)
        try await lab.untilMarked("loss-open")
        for pod in try await lab.client.list(.pods, namespace: "shop").items
        where pod.name?.hasPrefix("devtunnel-") == true {
          // It has no time to say good-bye.
          try await lab.client.delete(.pods, pod.name ?? "", namespace: "shop", gracePeriod: 1)
        }
        let outcome = try await shell
        #expect(
          outcome.lines == ["before", "the connection is over", "hello from the cluster", "names too"], "\(outcome)")
      }
      try await lab.expectNoTraces()
    }

    @Test func aNewResolvConfOfTheHostsIsNotTheShells() async throws {
      let lab = try SharedLab.lab
      try await lab.developer("names2@host") { alice in
        let report = try await alice.shell(ShellRequest(cluster: lab.cluster)) { _ in }
        // The host's /etc is a copy here, so that no one else sees it change.
        let host = """
          set -e
          cp -a /etc "$0/etc" && mount --bind "$0/etc" /etc
          (for i in $(seq 400); do [ -e "$0/resolv-now" ] && break; sleep 0.05; done
           echo "nameserver 192.0.2.1" > /etc/resolv.new && mv /etc/resolv.new /etc/resolv.conf &&
           touch "$0/resolv-done") &
          exec "$@"
          """
        let outcome = try await lab.enter(
          report,
          """
          \(Lab.await)
          getent hosts web >/dev/null && echo before
          touch "$LAB/resolv-now"; await resolv-done
          for i in $(seq 100); do grep -q cluster.local /etc/resolv.conf && break; sleep 0.05; done
          grep -c 192.0.2.1 /etc/resolv.conf
          busybox wget -qO- http://web/
          """, wrapper: ["/usr/bin/unshare", "--mount", "/bin/bash", "-c", host, lab.directory])
        #expect(outcome.lines == ["before", "0", "hello from the cluster"], "\(outcome)")
      }
    }
  }
}
