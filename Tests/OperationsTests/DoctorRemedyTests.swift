import KubeAPI
import Testing

@testable import Operations

struct DoctorRemedyTests {
  @Test(arguments: [
    (KubeError.execPlugin(command: "aws", problem: "ended with exit status 255", hint: ""), "Run aws by hand"),
    (.unauthorized(server: "https://x", message: "no"), "Log in again"),
    (.certificate(server: "https://x", cause: "expired"), "certificates"),
    (.config(file: "/config", problem: "it is empty", remedy: "fill it"), "Correct the file"),
    (.unreachable(server: "https://x", cause: "refused"), "the network"),
    (.badResponse(server: "https://x", problem: "a web page"), "the kubeconfig's server"),
  ]) func theAdviceFitsTheFailure(error: KubeError, words: String) {
    let remedy = ClusterOperations.remedy(error)
    #expect(remedy.contains(words))
    #expect(remedy.contains("network") == (words == "the network"))
  }
}
