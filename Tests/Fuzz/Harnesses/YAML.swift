@testable import Manifests

extension Harness {
  static let yaml = Harness(
    name: "yaml",
    dictionary: [
      "apiVersion: v1\n", "kind: ", "List", "items:\n", "- ", "metadata:\n", "  name: ", "&a ", "*a", "<<: ", "!!str ",
      "!!binary ", "---\n", "...\n", "|\n", ">-\n",
      "\"", "{", "}", "? ", "%YAML 1.1\n", ".inf", "0x1F", "1_000", "~", "\u{feff}",
    ]
  ) { bytes in
    var warnings: [Diagnostic] = []
    let manifests: [Manifest]
    do throws(InputError) {
      manifests = try ManifestReader.parse(String(decoding: bytes, as: UTF8.self), file: "m.yaml", warnings: &warnings)
    } catch {
      _ = error.description
      return
    }
    _ = warnings.map(\.description)
    let text = ManifestWriter.yaml(manifests)
    var none: [Diagnostic] = []
    do {
      let again = try ManifestReader.parse(text, file: "n.yaml", warnings: &none)
      try promise(again.map(\.object) == manifests.map(\.object), "written and read the objects are others:\n\(text)")
    } catch let error as InputError {
      throw BrokenPromise(description: "what was written cannot be read: \(error)\n\(text)")
    }
  }
}
