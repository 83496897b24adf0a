import HTTPTestSupport
import KubeObjects
import Testing

@testable import Agents

struct PodFailureTests {
  private func pod(waiting reason: String, _ message: String = "", annotations: [String: String] = [:]) -> JSONValue {
    [
      "metadata": ["name": "p", "annotations": JSONValue(annotations)],
      "spec": ["containers": [["name": "devtunnel-agent", "image": "registry.example/user:1"]]],
      "status": [
        "containerStatuses": [
          [
            "name": "devtunnel-agent",
            "state": ["waiting": ["reason": JSONValue(reason), "message": JSONValue(message)]],
          ]
        ]
      ],
    ]
  }

  @Test(
    "An image that cannot be pulled: another one helps",
    arguments: ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"])
  func pull(reason: String) {
    let failure = PodFailure(pod(waiting: reason, "not found"))
    #expect(failure?.reason == "\(reason): not found")
    #expect(failure?.remedy?.contains("cannot pull registry.example/user:1,") == true)
    #expect(failure?.remedy?.contains("--agent-image IMAGE") == true)
  }

  @Test("Says so if --agent-image named the image")
  func named() {
    var template = AgentPodTemplate(
      workload: "user", containerName: "user", listen: [], controlPort: 1, architecture: .amd64)
    #expect(template.make(from: UserWorkload.template).annotations["devtunnel.dev/agent-image"] == nil)
    template.image = "registry.example/typo:1"
    let failure = PodFailure(
      pod(waiting: "ErrImagePull", annotations: template.make(from: UserWorkload.template).annotations))
    #expect(
      failure?.remedy?.hasPrefix("The node cannot pull registry.example/typo:1, the image that --agent-image names:")
        == true)
  }

  @Test("An image whose user is root where none may be")
  func root() {
    let message = "container has runAsNonRoot and image will run as root"
    #expect(PodFailure(pod(waiting: "CreateContainerConfigError", message))?.remedy?.contains("runAsUser") == true)
    #expect(PodFailure(pod(waiting: "CreateContainerConfigError", #"secret "x" not found"#))?.remedy == nil)
    #expect(
      PodFailure(
        pod(waiting: "CreateContainerConfigError", "failed to sync secret cache: timed out waiting for the condition"))
        == nil)
  }

  @Test("A program that ended, with its code") func ended() {
    let pod: JSONValue = [
      "status": [
        "containerStatuses": [
          ["name": "devtunnel-agent", "lastState": ["terminated": ["exitCode": 2, "reason": "Error"]]]
        ]
      ]
    ]
    #expect(PodFailure(pod)?.reason.hasPrefix("it ended with exit code 2 Error") == true)
  }

  @Test("Waiting may help", arguments: ["ContainerCreating", "PodInitializing"])
  func hope(reason: String) { #expect(PodFailure(pod(waiting: reason)) == nil) }
}
