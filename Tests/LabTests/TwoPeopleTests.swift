import ControlAPI
import Foundation
import KubeObjects
import Operations
import Testing

extension LabTests {
  /// Two people who intercept two Services of one workload, which has one agent: neither takes anything from the other.
  @Suite struct TwoPeopleTests {
    private static let fromOrigin = "hello from the cluster"
    private static let fromAlice = "hello from alice"
    private static let fromBob = "hello from bob"

    private struct Scene {
      var lab: Lab
      var alice: HostServer
      var bob: HostServer

      func expect(_ pair: String, _ admin: String) async throws {
        try await lab.expect(pair, from: "pair")
        try await lab.expect(admin, from: "pair-admin")
      }
    }

    private func with(_ body: @Sendable @escaping (Scene) async throws -> Void) async throws {
      try await Lab.run { lab in
        try await lab.create(
          yaml: """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: pair, namespace: shop}
            spec:
              replicas: 2
              selector: {matchLabels: {app: pair}}
              template:
                metadata: {labels: {app: pair}}
                spec:
                  terminationGracePeriodSeconds: 2
                  containers:
                    - name: pair
                      image: lab/busybox:1
                      command:
                        - sh
                        - -c
                        - echo 'hello from the cluster' >/www/index.html; httpd -p 8080 -h /www;
                          exec httpd -f -p 9090 -h /www
                      ports: [{name: http, containerPort: 8080}, {name: admin, containerPort: 9090}]
                      readinessProbe: {httpGet: {path: /, port: admin}, periodSeconds: 1}
            ---
            {apiVersion: v1, kind: Service, metadata: {name: pair, namespace: shop},
             spec: {selector: {app: pair}, ports: [{name: http, port: 80, targetPort: http}]}}
            ---
            {apiVersion: v1, kind: Service, metadata: {name: pair-admin, namespace: shop},
             spec: {selector: {app: pair}, ports: [{name: admin, port: 80, targetPort: admin}]}}
            """)
        try await lab.waitUntilReady(5)
        let (alice, bob) = (try HostServer(Self.fromAlice), try HostServer(Self.fromBob))
        defer {
          alice.stop()
          bob.stop()
        }
        let scene = Scene(lab: lab, alice: alice, bob: bob)
        try await scene.expect(Self.fromOrigin, Self.fromOrigin)
        try await body(scene)
        try await lab.expectNoTraces()
        for service in ["pair", "pair-admin"] {
          let object = try await lab.client.get(.services, service)
          #expect(object[path: "spec", "selector"]?.stringMap == ["app": "pair"] && object.annotations.isEmpty)
        }
        try await scene.expect(Self.fromOrigin, Self.fromOrigin)
      }
    }

    @Test("Each has one, and either leaves first and comes back", arguments: [true, false])
    func eachHasOne(aliceFirst: Bool) async throws {
      try await with { scene in
        let lab = scene.lab
        let (forAlice, forBob) = (
          lab.intercept(scene.alice.port, service: "pair"), lab.intercept(scene.bob.port, service: "pair-admin")
        )
        try await lab.developer("alice@host") { alice in
          try await lab.developer("bob@desk") { bob in
            try await lab.expectNoneLost("pair", "pair-admin") {
              _ = try await alice.intercept(forAlice) { _ in }
              let report = try await bob.intercept(forBob) { _ in }
              #expect(report.others == [InterceptReport.Neighbour(holder: "alice@host", services: ["pair"])])
              try await scene.expect(Self.fromAlice, Self.fromBob)
              let status = await alice.status()
              #expect(status.intercepts.first?.state == .active)
              #expect(status.intercepts.first?.others?.map(\.services) == [["pair-admin"]])
              let listed = try await bob.list(lab.cluster, allNamespaces: false)
              #expect(listed.first { $0.service == "pair" }?.interceptedBy == "alice@host")
              #expect(listed.first { $0.service == "pair-admin" }?.interceptedBy == "bob@desk")

              let (first, firstRequest) = aliceFirst ? (alice, forAlice) : (bob, forBob)
              let (second, secondRequest) = aliceFirst ? (bob, forBob) : (alice, forAlice)
              for (person, request) in [(first, firstRequest), (second, secondRequest)] {
                _ = try await person.leave(LeaveRequest(service: request.service)) { _ in }
                try await lab.expect(Self.fromOrigin, from: request.service)
                let other = request.service == "pair" ? "pair-admin" : "pair"
                try await lab.expect(other == "pair" ? Self.fromAlice : Self.fromBob, from: other)
                _ = try await person.intercept(request) { _ in }
                try await scene.expect(Self.fromAlice, Self.fromBob)
              }
              _ = try await first.leave(LeaveRequest(all: true)) { _ in }
              _ = try await second.leave(LeaveRequest(all: true)) { _ in }
              try await scene.expect(Self.fromOrigin, Self.fromOrigin)
            }
          }
        }
      }
    }

    @Test("A conflict is told before anything changes; a take-over of one port leaves the other")
    func takeOver() async throws {
      try await with { scene in
        let lab = scene.lab
        try await lab.developer("alice@host") { alice in
          try await lab.developer("bob@desk") { bob in
            for service in ["pair", "pair-admin"] {
              _ = try await alice.intercept(lab.intercept(scene.alice.port, service: service)) { _ in }
            }
            var request = lab.intercept(scene.bob.port, service: "pair-admin")
            let before = try await lab.client.get(.deployments, "devtunnel-pair").annotations["devtunnel.dev/claims"]
            let conflict = await bob.refusal(of: request)
            let message = conflict?.description ?? ""
            #expect(conflict?.code == .conflict && message.contains("--take-over"))
            #expect(message.hasPrefix("Service pair-admin: port 80 is intercepted by alice@host since"))
            let now = try await lab.client.get(.deployments, "devtunnel-pair").annotations["devtunnel.dev/claims"]
            #expect(now == before)
            request.takeOver = true
            try await lab.expectNoneLost("pair", "pair-admin") { [request] in
              _ = try await bob.intercept(request) { _ in }
              try await scene.expect(Self.fromAlice, Self.fromBob)
              try await eventually("alice knows what she has") {
                let own = await alice.status().intercepts
                return own.first { $0.service == "pair" }?.state == .active
                  && own.first { $0.service == "pair-admin" }?.state != .active
              }
              let left = try await alice.leave(LeaveRequest(service: "pair-admin")) { _ in }
              #expect(left.first?.restored == false && left.first?.message?.contains("bob@desk") == true)
              try await scene.expect(Self.fromAlice, Self.fromBob)
              _ = try await bob.leave(LeaveRequest(all: true)) { _ in }
              try await scene.expect(Self.fromAlice, Self.fromOrigin)
              _ = try await alice.leave(LeaveRequest(all: true)) { _ in }
            }
          }
        }
      }
    }

    @Test(
      "One command intercepts all Services of a workload, or none of them",
      .enabled(if: Lab.executable != nil, "the command devtunnel is not built"))
    func oneCommand() async throws {
      try await with { scene in
        let user = try Command(scene.lab)
        try await user.during {
          func intercept(_ words: [String], adminPort: UInt16) async throws -> Outcome {
            let ports = ["--port", "pair:\(scene.alice.port)", "--port", "pair-admin:\(adminPort):admin"]
            return try await user.run(["-n", "shop", "intercept"] + words + ports + ["--output", "json"])
          }
          for words in [["deploy/pair"], ["pair", "pair-admin"]] {
            let made = try await intercept(words, adminPort: scene.bob.port)
            let reports = try JSONDecoder().decode([InterceptReport].self, from: Data(made.output.utf8))
            #expect(reports.map(\.service) == ["pair", "pair-admin"] && reports.allSatisfy { $0.state == .active })
            try await scene.expect(Self.fromAlice, Self.fromBob)
            try await user("leave", "--all")
          }
          // Nothing listens for the second.
          let failed = try await intercept(["pair", "pair-admin"], adminPort: 1)
          #expect(failed.code == 1 && failed.errors.contains("nothing is listening on 127.0.0.1:1"))
          #expect(try await user.status().intercepts.isEmpty)
          try await scene.expect(Self.fromOrigin, Self.fromOrigin)
        }
      }
    }

    @Test(
      "A daemon that is killed gives its port to the origin, and the next one undoes it; the other person stays",
      .enabled(if: Lab.executable != nil, "the command devtunnel is not built"), arguments: ["alice", "bob"])
    func killed(who: String) async throws {
      try await with { scene in
        let lab = scene.lab
        let (alice, bob) = (try Command(lab, "alice"), try Command(lab, "bob"))
        try await alice.during {
          try await bob.during {
            try await alice("-n", "shop", "intercept", "pair", "--port", "\(scene.alice.port)")
            try await bob("-n", "shop", "intercept", "pair-admin", "--port", "\(scene.bob.port)")
            try await scene.expect(Self.fromAlice, Self.fromBob)
            let (victim, lost, kept) = who == "alice" ? (alice, "pair", "pair-admin") : (bob, "pair-admin", "pair")
            let stays = who == "alice" ? Self.fromBob : Self.fromAlice
            let ask = try await lab.requester(kept)
            let outcome = try await Load.run(ask) {
              kill(try await victim.daemon(), SIGKILL)
              try await lab.expect(Self.fromOrigin, from: lost)
              try await victim("status")
              try await eventually("the next daemon has undone it", within: .seconds(40)) {
                let object = try await lab.client.get(.services, lost)
                return object[path: "spec", "selector"]?.stringMap == ["app": "pair"]
              }
              try await lab.expect(Self.fromOrigin, from: lost)
            }
            #expect(outcome.failures.isEmpty, "\(outcome.failures.count) lost; \(outcome.failures.first ?? "")")
            #expect(Set(outcome.answers.keys) == [stays])
          }
        }
      }
    }
  }
}
