import KubeAPI
import KubeObjects
import Testing

@testable import Workloads

struct VolumeClaimsTests {
  private func claims(_ modes: [String: [String]]) -> VolumeClaims {
    let volumes = ["data", "logs", "shared"].map { name -> JSONValue in
      ["name": JSONValue(name), "persistentVolumeClaim": ["claimName": JSONValue("\(name)-claim")]]
    }
    let workload = Workload(
      [
        "metadata": ["name": "db"],
        "spec": [
          "volumeClaimTemplates": [["metadata": ["name": "data"]]],
          "template": ["spec": ["containers": [["name": "db"]], "volumes": .array(volumes)]],
        ],
      ], resource: .statefulSets)
    return VolumeClaims(
      workload,
      claims: modes.mapValues { ["spec": ["accessModes": .array($0.map { JSONValue($0) })]] })
  }

  @Test("A Pod's own claim and an exclusive one are left; a claim for one node ties the agent to it")
  func left() {
    let some = claims(["logs-claim": ["ReadWriteOncePod"], "shared-claim": ["ReadWriteOnce"]])
    #expect(some.left == ["data", "logs"])
    #expect(some.tiesToNode)
    #expect(some.reason("data")?.contains("StatefulSet/db") == true)
    #expect(some.reason("logs")?.contains("one Pod") == true)
    #expect(some.reason("shared") == nil)
    #expect(some.warnings.count == 2)
    // The mode of a claim that the agent goes without does not matter.
    #expect(!claims(["data-claim": ["ReadWriteOnce"], "shared-claim": ["ReadWriteMany"]]).tiesToNode)
  }
}
