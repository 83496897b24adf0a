import KubeObjects
import Testing

@testable import Shell

@Suite struct VolumeMountTests {
  private let template: JSONValue = [
    "spec": [
      "volumes": [
        ["name": "conf", "configMap": ["name": "app"]], ["name": "data", "persistentVolumeClaim": ["claimName": "data"]],
        ["name": "all", "projected": ["sources": []]],
      ]
    ]
  ]

  @Test func tellsProjectedFilesFromOthers() {
    let container: JSONValue = [
      "volumeMounts": [
        ["name": "conf", "mountPath": "/etc/app"], ["name": "data", "mountPath": "/data"], ["name": "all", "mountPath": "/run/all"],
      ]
    ]
    let mounts = VolumeMount.read(template: template, container: container)
    #expect(mounts.filter(\.isProjected).map(\.path) == ["/etc/app", "/run/all", VolumeMount.tokenPath])
    #expect(mounts.filter { !$0.isProjected }.map(\.path) == ["/data"])
  }

  @Test func aPodWithoutTokenHasNone() {
    var template = template
    template[path: "spec", "automountServiceAccountToken"] = false
    #expect(VolumeMount.read(template: template, container: [:]).isEmpty)
  }
}
