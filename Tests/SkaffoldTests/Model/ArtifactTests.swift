import Skaffold
import Testing

struct ArtifactTests {
  @Test("Without a default repository an image is built under its own name")
  func repository() {
    let artifact = Artifact(
      image: "shop", context: "/src/shop", build: .docker(DockerBuild(dockerfile: "/src/shop/Dockerfile")))
    #expect(artifact.repository == "shop")
  }
}
