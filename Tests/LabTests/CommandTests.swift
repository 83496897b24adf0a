import ControlAPI
import Foundation
import Testing

extension LabTests {
  /// The built command, its daemon and its helper, as a person starts them.
  @Suite(
    .enabled(if: Lab.executable != nil, "the command devtunnel is not built"),
    .sharedLab { [try await $0.loadStreet()] })
  struct CommandTests {
    @Test func exitStatusAndSignalsAreTheCommands() async throws {
      let lab = try SharedLab.lab
      let command = try Command(lab, "status")
      try await command.during {
        let seven = try await command.run([
          "-n", "shop", "shell", "--", "/bin/sh", "-c", "echo inside; echo aside >&2; exit 7",
        ])
        #expect(seven.code == 7 && seven.output == "inside\n" && seven.errors.hasSuffix("aside\n"), "\(seven)")
        #expect(try await command.run(["-n", "shop", "shell", "--", "/no/such/program"]).code == 127)
        #expect(
          try await command.run(["-n", "shop", "shell", "--", "/bin/sh", "-c", "kill -9 $$"]).code == 128 + SIGKILL)

        // A signal to the command that was typed is the program's: the helper is in its place.
        let script =
          """
          trap 'echo ending; exit 3' TERM; echo $PPID > $LAB/told.part; mv $LAB/told.part $LAB/told; while :; \
          do sleep 0.1; done
          """
        async let told = command.run(["-n", "shop", "shell", "--", "/bin/bash", "-c", script])
        try await lab.untilMarked("told")
        kill(try #require(Int32(try lab.read("told"))), SIGTERM)
        let outcome = try await told
        #expect(outcome.code == 3 && outcome.output == "ending\n", "\(outcome)")
      }
      try await lab.expectNoTraces()
    }

    @Test func anInterceptLivesAsLongAsItsProgram() async throws {
      let lab = try SharedLab.lab
      let command = try Command(lab, "program")
      try await command.during {
        let words = ["-n", "shop", "intercept", "web", "--port", "8000", "--", "/bin/bash", "-c"]
        async let served = command.run(
          words + [
            """
            mkdir "$LAB/inside"; echo "from the program" > "$LAB/inside/index.html"
            busybox httpd -f -p 8000 -h "$LAB/inside" &
            trap 'kill $!; exit 5' TERM
            echo $PPID > $LAB/program.part; mv $LAB/program.part $LAB/program.pid
            wait
            """
          ])
        try await lab.untilMarked("program.pid")
        try await lab.expect("from the program")
        kill(try #require(Int32(try lab.read("program.pid"))), SIGTERM)
        let outcome = try await served
        #expect(outcome.code == 5, "\(outcome)")
        // It has been left when the command returns.
        #expect(try await lab.client.get(.services, "web")[path: "spec", "selector"]?.stringMap == ["app": "web"])
        try await lab.expect("hello from the cluster")

        let failed = try await command.run(words + ["exit 9"])
        #expect(failed.code == 9, "\(failed)")
      }
      try await lab.expectNoTraces()
    }

    /// No step of it needs root: an ordinary user's command, daemon and namespaces.
    @Test(.enabled(if: OrdinaryUser.mayMakeNamespaces, "this machine lets no ordinary user make namespaces"))
    func anOrdinaryUserHasItToo() async throws {
      let lab = try SharedLab.lab
      let user = try OrdinaryUser(lab)
      defer { user.remove() }
      try await user.command.during {
        let outcome = try await user.command.run([
          "-n", "shop", "shell", "--service", "web", "--", "/bin/bash", "-c",
          """
          id -u; busybox wget -qO- http://web/; echo "$GREETING"; getent hosts web.office | wc -l
          exec 3<>/dev/udp/echo/7; echo datagrams >&3; timeout 5 head -n 1 <&3
          cat "$DEVTUNNEL_ROOT/var/run/secrets/kubernetes.io/serviceaccount/token"; echo
          touch "$HOME/mine"; exit 6
          """,
        ])
        #expect(outcome.code == 6, "\(outcome)")
        #expect(
          outcome.lines == ["65534", "hello from the cluster", "hello from the cluster", "1", "datagrams", "lab"],
          "\(outcome)")
        #expect(
          try FileManager.default.attributesOfItem(atPath: user.command.directory + "/mine")[.ownerAccountID] as? Int
            == 65534)
      }
      try await lab.expectNoTraces()
    }

    @Test func aShellOutlivesItsDaemon() async throws {
      let lab = try SharedLab.lab
      let command = try Command(lab, "outlive")
      try await command.during {
        async let shell = command.run([
          "-n", "shop", "shell", "--service", "web", "--", "/bin/bash", "-c",
          """
          \(Lab.await)
          exec 3<>/dev/tcp/echo/7; echo "one daemon" >&3; read -t 5 line <&3; echo "$line"
          touch $LAB/outlive-open; await outlive-killed
          read -t 5 line <&3; [ $? -eq 1 ] && echo "open connections are over"
          # Waits in the kernel for the next daemon.
          (exec 3<>/dev/tcp/echo/7; echo "next daemon" >&3; touch $LAB/outlive-waits; read -t 30 line <&3; echo "$line")
          getent hosts web.office >/dev/null && echo names
          exec 3<>/dev/udp/echo/7; echo datagrams >&3; timeout 5 head -n 1 <&3
          echo "$GREETING"; exit 4
          """,
        ])
        try await lab.untilMarked("outlive-open")
        kill(try await command.daemon(), SIGKILL)
        try lab.mark("outlive-killed")
        try await Task.sleep(for: .milliseconds(500))
        // Any command starts the next one, which is handed the shell's sockets.
        try await command("status")
        let outcome = try await shell
        #expect(
          outcome.lines == [
            "one daemon", "open connections are over", "next daemon", "names", "datagrams", "hello from the cluster",
          ] && outcome.code == 4,
          "\(outcome)")
      }
      try await lab.expectNoTraces()
    }

    /// The machine's resolvers are asked for what is theirs, by a daemon that has the machine's resolv.conf.
    @Test func namesOfTheHostsAreAskedOfTheHost() async throws {
      let lab = try SharedLab.lab
      var command = try Command(lab, "resolvers")
      let (address, server) = try HostNameserver.start(["wiki.corp.example": [192, 0, 2, 77]])
      defer { server.stop() }
      // Only this daemon sees it.
      let mount =
        #"""
        echo "nameserver $0" > "$LAB/host.conf" && mount --bind "$LAB/host.conf" "$(readlink -f /etc/resolv.conf)" && \#
        exec "$@"
        """#
      command.wrapper = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", mount, address]
      let whole = command
      try await whole.during {
        let script =
          """
          dig +short wiki.corp.example; dig wiki.corp.example | grep -o 'status: [A-Z]*'; \
          dig +short web.shop.svc.cluster.local | wc -l
          """
        let ofHost = try await whole.run([
          "-n", "shop", "shell", "--dns-host", "corp.example", "--", "/bin/sh", "-c", script,
        ])
        #expect(ofHost.lines == ["192.0.2.77", "status: NOERROR", "1"], "\(ofHost)")
        let ofCluster = try await whole.run(["-n", "shop", "shell", "--", "/bin/sh", "-c", script])
        #expect(ofCluster.lines == ["status: NXDOMAIN", "1"], "\(ofCluster)")
      }
    }
  }
}
