import FoundationEssentials
import Glibc
import Skaffold
import Testing

@testable import Images

/// An artifact's own command that pushes, and a registry that has the content of `$SHOP/manifests`.
@Suite struct PushedImageTests {
  let shop: Workshop
  let registry: FakeRegistry

  init() throws {
    shop = try Workshop()
    registry = try FakeRegistry(shop)
    try shop.program(
      "buildah",
      #"case "$1" in inspect) cat "$SHOP/known" 2>/dev/null || exit 1;; info) echo "$SHOP/store overlay";; esac"#)
    try shop.write("", to: "manifests/none")
  }

  var settings: BuildSettings {
    var settings = BuildSettings()
    settings.pushes = true
    settings.insecureRegistries = [registry.address]
    return settings
  }

  /// A command that builds the image whose id is the digit repeated, and pushes it where `pushes`.
  func build(_ digit: String, pushes: Bool = true) async throws -> (image: BuiltImage, reference: String) {
    try shop.write(pushes ? "yes" : "no", to: "pushes")
    var artifact = try shop.artifact("web", id: digit)
    artifact.image = registry.address + "/web"
    artifact.build = .custom(CustomBuild(command: "sh \"$SHOP/build.sh\""))
    try shop.write(
      """
      id=$(printf %064d 0 | tr 0 "$(cat id)")
      echo "$id" > "$SHOP/known"
      mkdir -p "$SHOP/store/overlay-images/$id"
      [ "$PUSH_IMAGE" = true ] && [ "$(cat "$SHOP/pushes")" = yes ] || exit 0
      echo '{"schemaVersion":2,"config":{"digest":"sha256:'"$id"'"},"layers":[]}' > "$SHOP/manifests/web.v1"
      cp "$SHOP/manifests/web.v1" "$SHOP/manifests/web.sha256:$id"
      """, to: "build.sh")
    var environment = shop.environment
    environment["PATH"]! += ":/usr/bin:/bin"
    let builder = shop.builder(environment: environment, settings)
    let image = try await builder.build([artifact], tags: [artifact.image: artifact.image + ":v1"]) { _, _ in }[0]
    return (image, try await ImageLoader(product: .registry(.init(push: "")), builder: builder).load(image))
  }

  func digest(_ digit: String) -> String { "sha256:" + String(repeating: digit, count: 64) }

  @Test(arguments: ["sha256:1", "sha256:1\"}: x", "", "sha512:" + String(repeating: "1", count: 128)])
  func whatIsNoDigestIsNoReference(answer: String) async throws {
    _ = try await build("1")
    try shop.write(answer, to: "digest")
    let second = try await build("2")
    #expect(second.reference == "\(registry.address)/web:devtunnel-222222222222")
    #expect(second.image.pushed == nil && calls("push") == 1)
  }

  func calls(_ verb: String) -> Int { shop.lines("buildah.log").count { $0.hasPrefix(verb) } }

  @Test func whatTheCommandPushedIsNotPushedAgain() async throws {
    let first = try await build("1")
    #expect(first.reference == "\(registry.address)/web@\(digest("1"))" && first.image.pushed == first.reference)
    #expect(calls("push") == 0 && calls("inspect") == 1)
    // From now on the registry's answer will do.
    let second = try await build("2")
    #expect(
      second.reference == "\(registry.address)/web@\(digest("2"))" && second.image.id == digest("2"))
    #expect(calls("push") == 0 && calls("inspect") == 1)
    let again = try await build("2")
    #expect(again.image.isFromCache && again.reference == second.reference && calls("push") == 0)
  }

  @Test func aCommandThatDoesNotPushIsPushedFor() async throws {
    _ = try await build("1")
    let second = try await build("2", pushes: false)
    #expect(second.image.id == "sha256:" + String(repeating: "2", count: 64) && second.image.pushed == nil)
    #expect(second.reference == "\(registry.address)/web:devtunnel-222222222222" && calls("push") == 1)
    // The tag belongs to an image that was there before.
    let third = try await build("3", pushes: false)
    #expect(third.reference == "\(registry.address)/web:devtunnel-333333333333" && calls("push") == 2)
  }

  @Test func whatTheRegistryForgotIsPushed() async throws {
    _ = try await build("1")
    for name in shop.names(in: "manifests") {
      try FileManager.default.removeItem(atPath: shop.directory + "/manifests/" + name)
    }
    let again = try await build("1")
    #expect(
      again.image.isFromCache && again.reference == "\(registry.address)/web:devtunnel-111111111111"
        && calls("push") == 1)
  }

  @Test(arguments: ["web:v1", "127.0.0.1:1/web:v1", "REGISTRY/absent:v1", "REGISTRY/index:v1", "REGISTRY/garbage:v1"])
  func whateverIsNoPlainAnswerIsNone(reference: String) async throws {
    try shop.write(#"{"schemaVersion":2,"manifests":[]}"#, to: "manifests/index.v1")
    try shop.write("<html>", to: "manifests/garbage.v1")
    let client = RegistryClient(insecureRegistries: [registry.address, "127.0.0.1:1"])
    #expect(await client.image(reference.replacing("REGISTRY", with: registry.address)) == nil)
  }
}

/// `GET /v2/PATH/manifests/VERSION` gives the file `manifests/PATH.VERSION`, whose digest is its
/// configuration's, or what the file `digest` has.
final class FakeRegistry: Sendable {
  let address: String
  private let pid: pid_t

  init(_ shop: Workshop) throws {
    try shop.write(
      """
      import http.server, os, re, sys
      class Handler(http.server.BaseHTTPRequestHandler):
          def do_GET(self):
              name = re.sub("^/v2/(.*)/manifests/", r"\\1.", self.path)
              try: body = open(os.environ["SHOP"] + "/manifests/" + name, "rb").read()
              except OSError: return self.send_error(404)
              self.send_response(200)
              found = re.search(b"config.*(sha256:[0-9]{64})", body)
              digest = found[1].decode() if found else "sha256:" + 64 * "0"
              if os.path.exists(os.environ["SHOP"] + "/digest"): digest = open(os.environ["SHOP"] + "/digest").read()
              self.send_header("Docker-Content-Digest", digest)
              self.send_header("Content-Length", str(len(body)))
              self.end_headers()
              self.wfile.write(body)
          def log_message(self, *arguments): pass
      server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
      open(os.environ["SHOP"] + "/port.new", "w").write(str(server.server_port))
      os.rename(os.environ["SHOP"] + "/port.new", os.environ["SHOP"] + "/port")
      server.serve_forever()
      """, to: "registry.py")
    var pid: pid_t = 0
    let arguments: [UnsafeMutablePointer<CChar>?] = [
      strdup("/usr/bin/python3"), strdup(shop.directory + "/registry.py"), nil,
    ]
    let environment: [UnsafeMutablePointer<CChar>?] = [strdup("SHOP=" + shop.directory), nil]
    defer { for text in arguments + environment { free(text) } }
    guard posix_spawn(&pid, "/usr/bin/python3", nil, nil, arguments, environment) == 0 else {
      throw POSIXError(.ENOENT)
    }
    self.pid = pid
    for _ in 0..<1000 where shop.read("port").isEmpty { usleep(10_000) }
    address = "127.0.0.1:" + shop.read("port")
  }

  deinit {
    kill(pid, SIGKILL)
    waitpid(pid, nil, 0)
  }
}
