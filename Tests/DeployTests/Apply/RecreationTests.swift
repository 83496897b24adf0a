import KubeObjects
import Testing

@testable import Deploy

struct RecreationTests {
  @Test(
    "Without --recreate only an object of the same run is deleted to be made again",
    arguments: [
      (["devtunnel.dev/run": "shop"], false, true), (["devtunnel.dev/run": "other"], false, false),
      (["app": "shop"], false, false), ([:], true, true), (["devtunnel.dev/run": "other"], true, true),
    ] as [([String: String], Bool, Bool)])
  func whoseObjects(labels: [String: String], isAsked: Bool, mayBe: Bool) {
    var (found, wanted): (JSONValue, JSONValue) = (["kind": "Job"], ["kind": "Job"])
    found.labels = labels
    wanted.labels = ["devtunnel.dev/run": "shop"]
    #expect(Deployer.mayRecreate(found, as: wanted, isAsked: isAsked) == mayBe)
    #expect(Deployer.mayRecreate(found, as: ["kind": "Job"], isAsked: false) == false)
  }
}
