import KubeAPI
import KubeObjects
import Testing

@testable import Workloads

struct WorkloadTests {
  private let template: JSONValue = ["metadata": ["labels": ["app": "x"]], "spec": ["containers": [["name": "x"]]]]

  @Test("The Pod template of each kind; one without containers is none")
  func templates() {
    #expect(Workload(["spec": ["template": template]], resource: .daemonSets).declared == template)
    let cron: JSONValue = ["spec": ["jobTemplate": ["spec": ["template": template]]]]
    #expect(Workload(cron, resource: .cronJobs).declared == template)
    #expect(Workload(["spec": ["template": ["spec": [:]]]], resource: .deployments).declared == nil)
    #expect(Workload(kind: "Pod", name: "x").declared == nil)
  }

  @Test(
    "Only known kinds are scaled, and restarted if they roll",
    arguments: [
      (.deployments, [:], true, true), (.statefulSets, ["updateStrategy": ["type": "OnDelete"]], true, false),
      (.deployments, ["paused": true], true, false), (.daemonSets, [:], false, true), (.replicaSets, [:], true, false),
      (.replicationControllers, [:], false, false), (.jobs, [:], false, false),
    ] as [(APIResource, JSONValue, Bool, Bool)])
  func abilities(resource: APIResource, spec: JSONValue, scales: Bool, restarts: Bool) {
    let workload = Workload(["metadata": ["name": "x"], "spec": spec], resource: resource)
    #expect(workload.canScale == scales)
    #expect(workload.canRestart == restarts)
  }

  @Test("An owner that may not be read is neither")
  func unknown() {
    let workload = Workload(kind: "Rollout", name: "web")
    #expect(!workload.canScale && !workload.canRestart && workload.resource == nil)
    #expect(workload.description == "Rollout/web")
  }

  @Test("Claims of one Pod alone, by the owner's templates and by their names")
  func ownClaims() {
    let stateful: JSONValue = [
      "metadata": ["name": "db"],
      "spec": ["template": template, "volumeClaimTemplates": [["metadata": ["name": "data"]]]],
    ]
    #expect(Workload(stateful, resource: .statefulSets).ownClaims == ["data"])
    let pod: JSONValue = [
      "metadata": ["name": "db-0"],
      "spec": [
        "containers": [["name": "x"]],
        "volumes": [
          ["name": "logs", "persistentVolumeClaim": ["claimName": "logs-db-0"]],
          ["name": "shared", "persistentVolumeClaim": ["claimName": "shared"]],
        ],
      ],
    ]
    let admitted = Workload(kind: "CloneSet", name: "db").admitted([pod], selector: [:], revision: nil)
    #expect(admitted.ownClaims == ["logs"])
    #expect(admitted.template.ordinaryContainers.count == 1)
    #expect(Workload(stateful, resource: .statefulSets).admitted([], selector: [:], revision: nil).template == template)
  }
}
