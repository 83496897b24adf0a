import KubeAPI
import KubeObjects
import Testing
import Workloads

@testable import Shell

@Suite struct VolumeMountTests {
  private let template: JSONValue = [
    "spec": [
      "volumes": [
        ["name": "conf", "configMap": ["name": "app"]],
        ["name": "data", "persistentVolumeClaim": ["claimName": "data"]],
        ["name": "all", "projected": ["sources": []]],
      ]
    ]
  ]

  @Test func tellsProjectedFilesFromOthers() {
    let container: JSONValue = [
      "volumeMounts": [
        ["name": "conf", "mountPath": "/etc/app"], ["name": "data", "mountPath": "/data"],
        ["name": "all", "mountPath": "/run/all"],
      ]
    ]
    let (mounts, warnings) = VolumeMount.read(template: template, container: container)
    #expect(warnings.isEmpty)
    #expect(mounts.filter(\.isProjected).map(\.path) == ["/etc/app", "/run/all", VolumeMount.tokenPath])
    #expect(mounts.filter { !$0.isProjected }.map(\.path) == ["/data"])
  }

  @Test func aClaimOfAnotherPodIsToldAndNotCopied() {
    let workload = Workload(
      [
        "metadata": ["name": "db"],
        "spec": ["template": template, "volumeClaimTemplates": [["metadata": ["name": "data"]]]],
      ], resource: .statefulSets)
    let container: JSONValue = [
      "volumeMounts": [["name": "conf", "mountPath": "/etc/app"], ["name": "data", "mountPath": "/data"]]
    ]
    let (mounts, warnings) = VolumeMount.read(
      template: template, container: container, claims: VolumeClaims(workload))
    #expect(mounts.map(\.path) == ["/etc/app", VolumeMount.tokenPath])
    #expect(warnings.count == 1)
    #expect(warnings.first?.contains("volume data (/data) are not copied") == true)
  }

  @Test func aPodWithoutTokenHasNone() {
    var template = template
    template[path: "spec", "automountServiceAccountToken"] = false
    #expect(VolumeMount.read(template: template, container: [:]).mounts.isEmpty)
  }

  @Test func outerMountsComeBeforeInnerOnes() {
    let container: JSONValue = [
      "volumeMounts": [
        ["name": "conf", "mountPath": "/srv/state/conf/"], ["name": "data", "mountPath": "srv//state"],
        ["name": "all", "mountPath": "/a/b/c/d"],
      ]
    ]
    let paths = VolumeMount.read(template: template, container: container).mounts.map(\.path)
    #expect(paths == ["/srv/state", "/srv/state/conf", "/a/b/c/d", VolumeMount.tokenPath])
  }

  @Test(arguments: [
    ("/../../../../../../tmp/x", "\"..\""), ("/data/../x", "\"..\""), ("/./data", "\"..\""), ("..", "\"..\""),
    ("/", "root"), ("", "root"),
    ("/\u{301}/../x", "\"..\""), ("/" + String(repeating: "n", count: 300), "255 bytes"), ("/a\0b", "NUL"),
  ])
  func aPathThatIsNotPlainIsLeftOutWithAWarning(path: String, why: String) {
    let container: JSONValue = ["name": "app", "volumeMounts": [["name": "conf", "mountPath": JSONValue(path)]]]
    let (mounts, warnings) = VolumeMount.read(template: template, container: container)
    #expect(mounts.map(\.path) == [VolumeMount.tokenPath])
    #expect(warnings.count == 1)
    for text in ["volume conf of container app is left out", why] {
      #expect(warnings.first?.contains(text) == true, "\(warnings)")
    }
  }
}
