import Testing

@testable import LabNode

struct ImageReferenceTests {
  @Test(arguments: [
    ("busybox", "docker.io/library/busybox:latest"), ("lab/busybox:1", "localhost/lab/busybox:1"),
    ("docker.io/lab/x", "lab/x:latest"),
    ("r.example:5000/a/b", "r.example:5000/a/b:latest"), ("a/b:1@sha256:00", "a/b@sha256:00"),
  ])
  func sameImage(left: String, right: String) { #expect(ImageReference(left) == ImageReference(right)) }

  @Test(arguments: [("busybox:1", "busybox:2"), ("r.example/a", "a"), ("a/b@sha256:00", "a/b:1")])
  func otherImage(left: String, right: String) { #expect(ImageReference(left) != ImageReference(right)) }
}
