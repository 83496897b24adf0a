/// The images a lab starts with, made from the static busybox of the machine: enough for HTTP services and their
/// clients.
public struct SampleImages: Sendable {
  /// sh, httpd, nc, wget and the other applets.
  public static let busybox = "lab/busybox:1"

  private let images: ImageStore

  public init(_ images: ImageStore) { self.images = images }

  /// Builds what is not there yet; half a second for each image.
  /// - Parameter scratch: a directory for the build's context, removed afterwards.
  /// - Throws: `missingProgram` without busybox-static.
  public func prepare(scratch: String) async throws {
    guard try await images.find(Self.busybox) == nil else { return }
    guard let program = ["/bin/busybox", "/usr/bin/busybox"].first(where: Files.isExecutable) else {
      throw LabNodeError(
        .missingProgram, "the lab's sample images need a static busybox: apt-get install busybox-static")
    }
    defer { Files.remove(scratch) }
    try Files.makeDirectory(scratch)
    try await Command("cp", package: "coreutils")(["--dereference", program, scratch + "/busybox"])
    try Files.write("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n", to: scratch + "/passwd")
    try Files.write("root:x:0:\nnogroup:x:65534:\n", to: scratch + "/group")
    try Files.write(
      """
      FROM scratch
      COPY busybox /bin/busybox
      COPY passwd group /etc/
      RUN ["/bin/busybox", "--install", "-s", "/bin"]
      RUN ["/bin/busybox", "mkdir", "-m", "1777", "-p", "/tmp", "/www"]
      ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
      CMD ["sh"]
      """, to: scratch + "/Dockerfile")
    try await images.build(Self.busybox, contextDirectory: scratch)
  }
}
