import ControlAPI
import DevLoop
import KubeObjects
import Testing

extension LabTests {
  /// From a save to the Pod that has it, in a pocket cluster and with buildah.
  @Suite struct WatchTests {
    @Test func aSaveIsBuiltAndAnswered() async throws {
      try await Lab.run { lab in
        try await lab.developer("alice@host") { alice in
          try await WatchedProject.run(lab, alice) { project, events in
            try await events.untilWatching()
            try await lab.expect("version 1", from: "demo", path: "/version")

            try project.write("version 2\n", to: "version")
            try await events.untilWatching()
            try await lab.expect("version 2", from: "demo", path: "/version")

            try project.write("FROM localhost/lab/busybox:1\nCOPY missing /\n", to: "Dockerfile")
            try await events.until("the failure") {
              if case .failed(let error) = $0 { error.stage == .building } else { false }
            }
            try await lab.expect("version 2", from: "demo", path: "/version")

            try project.write(WatchedProject.dockerfile, to: "Dockerfile")
            try project.write("version 3\n", to: "version")
            try await events.untilWatching()
            try await lab.expect("version 3", from: "demo", path: "/version")
          }
          try await lab.expectNothing(of: "demo")
        }
      }
    }

    @Test func whoOnlyDeploysNeedsNoBuilder() async throws {
      try await Lab.run { lab in
        let failure = try await WatchedProject.deploy(lab)
        #expect(failure?.stage == .waiting, "\(failure.map(String.init(describing:)) ?? "")")
        try await lab.expectNothing(of: "demo")
      }
    }

    @Test func filesAreSyncedAndPortsSurviveThePod() async throws {
      try await Lab.run { lab in
        try await lab.developer("alice@host") { alice in
          try await WatchedProject.run(lab, alice) { project, events in
            guard
              case .forwarded(let forward) = try await events.until(
                "the forward", { if case .forwarded = $0 { true } else { false } }),
              let port = forward.host.split(separator: ":").last.flatMap({ UInt16($0) })
            else { return }
            #expect(try await HTTPRequest.host(port: port) == "page 1")
            let pods = try await lab.pods(of: "demo")

            try project.write("page 2\n", to: "www/index.html")
            try await events.until("the sync") { if case .synced = $0 { true } else { false } }
            #expect(try await HTTPRequest.host(port: port) == "page 2")
            #expect(try await lab.pods(of: "demo") == pods)

            try await lab.client.delete(.pods, try #require(pods.first), namespace: "shop")
            // The new Pod's image is that of the last build: what was synced is in the next one.
            try await eventually("the same port leads to the new Pod") {
              try await HTTPRequest.host(port: port) == "page 1"
            }
            // The next sync brings it there as well.
            try project.write("other\n", to: "www/other.html")
            try await events.until("the sync") { if case .synced = $0 { true } else { false } }
            try await eventually("what was synced before is there") {
              try await HTTPRequest.host(port: port) == "page 2"
            }
          }
          try await lab.expectNothing(of: "demo")
        }
        try await lab.expectNoTraces()
      }
    }
  }
}

extension Lab {
  func pods(of app: String) async throws -> [String] {
    try await client.list(.pods, namespace: "shop").items.filter { $0.labels["app"] == app }.compactMap(\.name)
  }

  func expectNothing(of name: String) async throws {
    try await eventually("nothing of \(name) is left") {
      let deployments = try await self.client.list(.deployments, namespace: "shop").items.compactMap(\.name)
      let services = try await self.client.list(.services, namespace: "shop").items.compactMap(\.name)
      let pods = try await self.pods(of: name)
      return !deployments.contains(name) && !services.contains(name) && pods.isEmpty
    }
  }
}
