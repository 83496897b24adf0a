import ControlAPI
import Foundation
import HTTPTestSupport
import KubeAPI
import KubeObjects
import Testing

@testable import Agents

/// The reasons why an agent's Pod does not come up.
@Suite(.timeLimit(.minutes(1))) struct AgentPodsTests {
  private static let quota =
    #"""
    pods "devtunnel-user-6f9c-abcde" is forbidden: exceeded quota: small, requested: pods=1, used: pods=3, \#
    limited: pods=3
    """#

  private func waiting(_ objects: FakeNamespace.Objects, within limit: Duration = .seconds(1)) async throws
    -> ControlError?
  {
    let cluster = FakeNamespace(objects)
    return try await withServer {
      cluster.answer($0, $1)
    } _: { client, _ in
      var pods = AgentPods(client: client, namespace: "testbed", workload: "user")
      pods.refusalInterval = .milliseconds(20)
      return await #expect(throws: ControlError.self) { try await pods.running(within: limit) }
    }
  }

  private func objects(service: String? = "user", sets: [JSONValue], events: [JSONValue] = []) -> FakeNamespace.Objects
  {
    .init(lists: [
      "deployments": [FakeNamespace.deployment(uid: "d2", service: service)], "replicasets": sets, "events": events,
    ])
  }

  @Test("Events of an earlier ReplicaSet of the same name refuse nothing")
  func staleEvents() async throws {
    let old = FakeNamespace.event(
      about: "r1", "FailedCreate", "Error creating: \(Self.quota)", at: "2026-01-01T10:00:00Z")
    let error = try await waiting(objects(sets: [FakeNamespace.replicaSet(uid: "r2", owner: "d2")], events: [old]))
    #expect(error?.message.contains("did not start within") == true)
    #expect(error?.details == [])
  }

  @Test(
    "Nor do events of this one whose condition is no longer true, nor the ReplicaSet of a Deployment that was deleted")
  func pastRefusals() async throws {
    let event = FakeNamespace.event(
      about: "r2", "FailedCreate", "Error creating: \(Self.quota)", at: "2026-01-01T10:00:00Z")
    let sets = [
      FakeNamespace.replicaSet(uid: "r1", owner: "d1", refused: (Self.quota, "True")),
      FakeNamespace.replicaSet(uid: "r2", owner: "d2", refused: (Self.quota, "False")),
    ]
    let error = try await waiting(objects(sets: sets, events: [event]))
    #expect(error?.message.contains("did not start within") == true)
  }

  @Test("A refusal that is over at the next look was that of an agent on its way out")
  func passingRefusal() async throws {
    var objects = objects(sets: [FakeNamespace.replicaSet(uid: "r2", owner: "d2", refused: (Self.quota, "True"))])
    objects.replicaSetsAfter = [2: [FakeNamespace.replicaSet(uid: "r2", owner: "d2")]]
    let error = try await waiting(objects)
    #expect(error?.message.contains("did not start within") == true)
  }

  @Test("The condition refuses, long before the time is over; the same text is reported once")
  func refusal() async throws {
    let events = (1...6).map { number in
      FakeNamespace.event(
        about: "r2", "FailedCreate", "Error creating: " + Self.quota.replacing("abcde", with: "abcd\(number)"),
        at: "2026-01-01T10:00:0\(number)Z")
    }
    let set = FakeNamespace.replicaSet(uid: "r2", owner: "d2", refused: (Self.quota, "True"))
    let error = try await waiting(objects(sets: [set], events: events), within: .seconds(30))
    #expect(error?.code == .refused)
    #expect(error?.details == ["ReplicaSet devtunnel-user-6f9c: \(Self.quota)"])
    #expect(error?.remedy?.hasPrefix("Nothing was diverted. Make room in the namespace's quota") == true)
    #expect(error?.remedy?.contains("--agent-image") == false)
  }

  @Test("Without a Service there was nothing to divert")
  func gateway() async throws {
    let set = FakeNamespace.replicaSet(uid: "r2", owner: "d2", refused: (Self.quota, "True"))
    let error = try await waiting(objects(service: nil, sets: [set]), within: .seconds(30))
    #expect(error?.remedy?.hasPrefix("Make room in the namespace's quota") == true)
  }

  @Test("A Pod without its image ends the wait, but not one that a deleted Deployment left behind")
  func imagePull() async throws {
    func pod(owner: String) -> JSONValue {
      [
        "metadata": [
          "name": "devtunnel-user-6f9c-abcde", "uid": "p",
          "ownerReferences": [FakeNamespace.owner("ReplicaSet", "devtunnel-user-6f9c", uid: owner)],
        ],
        "status": [
          "containerStatuses": [
            ["name": "devtunnel-agent", "state": ["waiting": ["reason": "ErrImagePull", "message": "not found"]]]
          ]
        ],
      ]
    }
    var objects = objects(sets: [FakeNamespace.replicaSet(uid: "r2", owner: "d2")])
    objects.lists["pods"] = [pod(owner: "r2")]
    let ours = try await waiting(objects, within: .seconds(30))
    #expect(ours?.message.contains("testbed/devtunnel-user-6f9c-abcde ") == true)
    #expect(ours?.remedy?.hasPrefix("Nothing was diverted. The node cannot pull") == true)
    objects.lists["pods"] = [pod(owner: "r1")]
    let former = try await waiting(objects)
    #expect(former?.message.contains("did not start within") == true)
  }

  // MARK: Pods that others made

  private static let evil: JSONValue = [
    "containers": [["name": JSONValue(AgentNames.container), "image": "evil:1", "command": ["/agent"]]]
  ]

  /// Waits for the agent of Deployment `d`.
  private func found(_ pods: [JSONValue]) async throws -> Result<AgentPod, ControlError> {
    let cluster = FakeNamespace(
      .init(lists: [
        "deployments": [FakeNamespace.deployment(uid: "d", service: "user")],
        "replicasets": [FakeNamespace.replicaSet(uid: "r", owner: "d")], "pods": pods,
      ]))
    return try await withServer {
      cluster.answer($0, $1)
    } _: { client, _ in
      var pods = AgentPods(client: client, of: FakeNamespace.identity(uid: "d"))
      pods.refusalInterval = .milliseconds(20)
      do throws(ControlError) { return .success(try await pods.running(within: .seconds(30))) } catch {
        return .failure(error)
      }
    }
  }

  @Test("A Pod that our ReplicaSet adopted is not taken for the agent, and the error says what differs")
  func adopted() async throws {
    guard case .failure(let error) = try await found([FakeNamespace.pod(spec: Self.evil)]) else {
      Issue.record("it was taken")
      return
    }
    #expect(error.code == .refused)
    #expect(
      error.message
        == "Pod testbed/devtunnel-user-6f9c-x runs in the agent's place, but is not made of its Deployment's template: "
        + "containers[devtunnel-agent].image differs")
    #expect(error.remedy?.contains("--agent-image") == true)
  }

  @Test("If a webhook wraps the command, the error names the ways to exempt the Pod")
  func wrapped() async throws {
    var spec = FakeNamespace.pod()["spec"]!
    spec["containers"] = .array(
      spec["containers"]!.elements.map { container in
        var container = container
        container["command"] = ["/vault/vault-env", "/agent"]
        return container
      })
    guard case .failure(let error) = try await found([FakeNamespace.pod(spec: spec)]) else {
      Issue.record("it was taken")
      return
    }
    #expect(error.message.hasSuffix("containers[devtunnel-agent].command differs"))
    #expect(error.remedy?.contains("devtunnel.dev/agent") == true && error.remedy?.contains("annotation") == true)
    #expect(error.remedy?.contains("--agent-image") == false)
  }

  @Test("A stranger that is gone no longer ends the wait; the event has the deletion's time", arguments: [true, false])
  func goneStranger(isGone: Bool) async throws {
    let cluster = FakeNamespace(
      .init(lists: [
        "deployments": [FakeNamespace.deployment(uid: "d", service: "user")],
        "replicasets": [FakeNamespace.replicaSet(uid: "r", owner: "d")],
      ]))
    try await withServer { request, connection in
      guard request.query["watch"] != nil else { return cluster.answer(request, connection) }
      connection.beginChunks()
      var stranger = FakeNamespace.pod("a", uid: "1", spec: Self.evil)
      stranger[path: "metadata", "resourceVersion"] = "2"
      connection.event("ADDED", stranger)
      stranger[path: "metadata", "deletionTimestamp"] = "2026-01-01T10:00:00Z"
      if isGone { connection.event("DELETED", stranger) }
      // Only the stranger ends a wait without a Pod of ours.
      guard isGone else {
        _ = connection.waitForClient(milliseconds: 30_000)
        return
      }
      // More than five looks later.
      Thread.sleep(forTimeInterval: 0.5)
      var own = FakeNamespace.pod("b", uid: "2")
      own[path: "metadata", "resourceVersion"] = "3"
      connection.event("ADDED", own)
      _ = connection.waitForClient()
    } _: { client, _ in
      var pods = AgentPods(client: client, of: FakeNamespace.identity(uid: "d"))
      pods.refusalInterval = .milliseconds(20)
      do throws(ControlError) {
        #expect(try await pods.running(within: .seconds(30)).name == "b" && isGone)
      } catch {
        #expect(!isGone && error.code == .refused && error.message.contains("testbed/a "), "\(error)")
      }
    }
  }

  @Test("Beside it the agent's own Pod is found")
  func besideAdopted() async throws {
    let pods = [FakeNamespace.pod("a", uid: "1", spec: Self.evil), FakeNamespace.pod("b", uid: "2")]
    #expect(try await found(pods).get() == AgentPod(name: "b", uid: "2"))
  }

  @Test(
    "A Pod that may have started with another program is not confirmed; its ConfigMap's annotations do not matter",
    arguments: ["c", "other", nil])
  func program(uid: String?) async throws {
    let configMap: JSONValue? = uid.map {
      [
        "metadata": [
          "name": "devtunnel-user", "uid": JSONValue($0), "resourceVersion": "9", "annotations": ["backup": "yes"],
        ]
      ]
    }
    let cluster = FakeNamespace(
      .init(lists: ["pods": [FakeNamespace.pod()], "configmaps": configMap.map { [$0] } ?? []]))
    try await withServer {
      cluster.answer($0, $1)
    } _: { client, _ in
      var identity = FakeNamespace.identity(uid: "d")
      identity.program = "c"
      let pods = AgentPods(client: client, of: identity)
      do throws(ControlError) {
        try await pods.confirm(AgentPod(name: "devtunnel-user-6f9c-x", uid: "p"))
        #expect(uid == "c")
      } catch {
        #expect(uid != "c" && error.code == .refused, "\(error)")
      }
    }
  }

  @Test("A Pod is confirmed by its UID and by what it is made of")
  func confirmed() async throws {
    let cases: [(JSONValue?, Bool)] = [
      (FakeNamespace.pod(), true), (FakeNamespace.pod(uid: "other"), false),
      (FakeNamespace.pod(spec: Self.evil), false), (nil, false),
    ]
    for (pod, isConfirmed) in cases {
      let cluster = FakeNamespace(.init(lists: ["pods": pod.map { [$0] } ?? []]))
      try await withServer {
        cluster.answer($0, $1)
      } _: { client, _ in
        let pods = AgentPods(client: client, of: FakeNamespace.identity(uid: "d"))
        let pod = AgentPod(name: "devtunnel-user-6f9c-x", uid: "p")
        do throws(ControlError) {
          try await pods.confirm(pod)
          #expect(isConfirmed)
        } catch {
          #expect(!isConfirmed, "\(error)")
        }
      }
    }
  }
}
