import Testing

@testable import KubeAPI

@Suite struct SecretTextTests {
  @Test(arguments: [
    // Base64, of which AWS makes its keys, with `/` and `+`; and base64url.
    ("key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY of profile", "key [hidden] of profile"),
    ("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY", "[hidden]"), ("(Qm9+c2/RkX+Yz0uT1aVw)", "([hidden])"),
    ("Zk3_rT-uPq8_Xv-Lw2Ye", "[hidden]"), ("AKIAIOSFODNN7EXAMPLE", "[hidden]"),
    ("path /tmp/cache/Qm9c2RkXYz0uT1aVwLp3", "path [hidden]"),
    // JSON Web Tokens, signed and not.
    ("bearer eyJh.e30.c2ln is old", "bearer [hidden] is old"), ("eyJhbGciOiJub25lIn0.e30. is old", "[hidden] is old"),
    // Names with values.
    ("aws_secret_access_key = a/b+c", "aws_secret_access_key = [hidden]"),
    ("SecretAccessKey:\"a/b\", SessionToken: 'c d'", "SecretAccessKey:\"[hidden]\", SessionToken: '[hidden]'"),
    ("password=\"two words, with \\\" in it\" user=x", "password=\"[hidden]\" user=x"),
    ("{\\\"client_secret\\\":\\\"x1\\\",\\\"b\\\":1}", "{\\\"client_secret\\\":\\\"[hidden]\\\",\\\"b\\\":1}"),
    ("PASSWD=a!b@c#d, next", "PASSWD=[hidden], next"), ("password: '' of x", "password: '' of x"),
    ("?X-Amz-Signature=abc&X-Amz-Date=20260101T000000Z", "?X-Amz-Signature=[hidden]&X-Amz-Date=20260101T000000Z"),
    ("Authorization: Basic eDp5 sent", "Authorization: Basic [hidden] sent"), ("token=", "token="),
    ("https://user:hunter2@proxy.example:3128/x", "https://user:[hidden]@proxy.example:3128/x"),
    // PEM blocks: whole, in JSON, cut off.
    (
      "a\n-----BEGIN EC PRIVATE KEY-----\nDEK-Info: AES,01\nMHcC\nab==\n-----END EC PRIVATE KEY-----\nb",
      "a\n[hidden]\nb"
    ),
    ("key \"-----BEGIN X-----\\nMIIE\\n-----END X-----\" is bad", "key \"[hidden]\" is bad"),
    ("-----BEGIN RSA PRIVATE KEY-----\n  MHcC\nthe reason", "[hidden]\nthe reason"),
    ("-----BEGIN A-----x-----END A----------BEGIN B-----", "[hidden][hidden]"),
  ]) func aSecretIsHidden(text: String, shown: String) { #expect(PluginText.shown(text) == shown) }

  /// Otherwise nobody could read the reason.
  @Test(arguments: [
    "UnrecognizedClientException for arn:aws:iam::123456789012:role/MyAppEKSClusterAdminRole",
    "/Users/annaSmith/Library/Caches/google-cloud-sdk/bin/gke-gcloud-auth-plugin",
    "/opt/Java/jdk17/lib/security/Certs is not a directory",
    "pods/checkout-7d9f8c6b5d-x2x4z of my-cluster-in-eu-west-1",
    "AADSTS7000215: Invalid client secret provided. The secret expired", "request 4b1c8a52-7d0e-4c8e-9d35-0f2b6a1f8e11",
    "https://login.example.com/common/oauth2/v2.0/token: 401 Unauthorized",
    "https://sts.example.com/?Action=GetCallerIdentity",
  ]) func wordsNamesAndPathsAreShown(text: String) { #expect(PluginText.shown(text) == text) }

  /// A plugin may write a megabyte. A quarter of that takes minutes if a text is read once for each of its parts.
  @Test(arguments: ["token=a eyJ.x //a:b@c ", "https://", "secret", "\\\"", "-----BEGIN", "password=\""])
  func aLongTextIsReadOnce(part: String) {
    let text = String(repeating: part, count: 250_000 / part.utf8.count)
    let time = ContinuousClock().measure { _ = SecretText.hiding([text]) }
    #expect(time < .seconds(20))
  }
}
