import Manifests
import Testing

struct DiagnosticTests {
  @Test("A diagnostic is one line that names the place and the remedy")
  func line() {
    let place = SourcePosition(file: "app.yaml", line: 12, column: 3)
    let diagnostic = Diagnostic(
      .error, "'two' is not a number", at: place, field: "spec.replicas", remedy: "write a number")
    #expect(diagnostic.description == "app.yaml:12:3: error: spec.replicas: 'two' is not a number; write a number")
    #expect(Diagnostic(.warning, "odd").description == "warning: odd")
  }

  @Test("An error names everything that is wrong")
  func all() {
    let error = InputError([Diagnostic(.error, "one"), Diagnostic(.error, "two")])
    #expect(error.description == "error: one\nerror: two")
  }
}
