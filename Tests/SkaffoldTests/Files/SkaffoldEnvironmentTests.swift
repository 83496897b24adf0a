import Manifests
import Testing

@testable import Skaffold

/// The expected values are those of godotenv 1.5, which Skaffold reads the file with.
struct SkaffoldEnvironmentTests {
  static let files: [(text: String, variables: [String: String])] = [
    ("", [:]),
    ("# a comment\n\nA=1\n  B = two words  \n", ["A": "1", "B": "two words"]),
    ("export A=1\nexport\tB: 2\nexporter=3", ["A": "1", "B": "2", "exporter": "3"]),
    ("A=\nB=\"\"\nC=''\n", ["A": "", "B": "", "C": ""]),
    ("A=x#y # z\nB=#no\nC='x # y' # z\n", ["A": "x#y", "B": "#no", "C": "x # y"]),
    (#"A="a\nb\tc\"d\\e""#, ["A": "a\nbtc\"d\\e"]),
    (#"A='a\nb $B'"#, ["A": #"a\nb $B"#]),
    ("A=\"one\ntwo\"\nB=3", ["A": "one\ntwo", "B": "3"]),
    ("A=1\r\nB=2\r\n", ["A": "1", "B": "2"]),
    (
      "A=1\nB=$A\nC=\"${A}b\"\nD=\\$A\nE=$GONE.\nF=5$", ["A": "1", "B": "1", "C": "1b", "D": "$A", "E": ".", "F": "5$"]
    ),
    ("A.b=1\nÄ=2", ["A.b": "1", "Ä": "2"]),
    ("A=1\nA=2", ["A": "2"]),
  ]

  @Test("Values, quotes, comments, export and variables", arguments: files)
  func values(file: (text: String, variables: [String: String])) throws {
    #expect(try SkaffoldEnvironment.parse(file.text, file: "skaffold.env").mapValues(\.value) == file.variables)
  }

  @Test(
    "A mistake is named with its line",
    arguments: [
      ("A=1\nB", "skaffold.env:2: error: 'B' has no value"),
      ("A=1\n\n-B=2", "skaffold.env:3: error: a variable's name has no '-'"),
      ("A=\"\n\nB=1", "skaffold.env:1: error: the value of A has no closing \""),
      ("A='x\ny'\nB\n", "skaffold.env:3: error: 'B' has no value"),
    ])
  func faults(text: String, message: String) throws {
    let error = #expect(throws: InputError.self) { try SkaffoldEnvironment.parse(text, file: "skaffold.env") }
    #expect(error?.description.hasPrefix(message) == true, "\(String(describing: error))")
  }

  @Test("A directory without the file has no variables")
  func missing() throws {
    for (files, variables) in [([:], [:]), (["skaffold.env": "A=1"], ["A": "1"])] {
      let project = try Project(files)
      #expect(try SkaffoldEnvironment.read(in: project.path).mapValues(\.value) == variables)
    }
  }

  @Test("Values that double end at a line, and so does a long file", .timeLimit(.minutes(1)))
  func bombs() throws {
    for quote in ["", "\""] {
      let lines = (1..<40).map { "A\($0)=\(quote)$A\($0 - 1)$A\($0 - 1)\(quote)\n" }
      let error = #expect(throws: InputError.self) {
        try SkaffoldEnvironment.parse("A0=0123456789abcdef\n" + lines.joined(), file: "skaffold.env")
      }
      #expect(error?.description.hasPrefix("skaffold.env:17: error: the values up to here") == true)
    }
    let long = String(repeating: "# comment\n", count: 150_000)
    let error = #expect(throws: InputError.self) { try SkaffoldEnvironment.parse(long, file: "skaffold.env") }
    #expect(error?.description.hasPrefix("skaffold.env:1: error: skaffold.env has more than 1 MiB") == true)
  }

  // MARK: Programs

  @Test("Programs do not get what makes them run others; templates do, and the process's own values win")
  func guarded() throws {
    let project = try Project([
      "skaffold.env": """
      A=1
      BASH_ENV=./evil
      LD_PRELOAD=./evil.so
      HELM_PLUGINS=./plugins
      export GIT_SSH_COMMAND=./evil
      KUBECONFIG=./evil
      XDG_CONFIG_HOME=.
      https_proxy=http://host.invalid
      SSL_CERT_FILE=ca.pem
      PATH=.
      HOME=.
      DB_ASKPASS=./evil

      """
    ])
    let process = ["PATH": "/bin", "HOME": "/home/me"]
    let variables = try ProjectVariables(in: project.path, process: process)
    #expect(variables.process == process)
    #expect(variables.programs == ["PATH": "/bin", "HOME": "/home/me", "A": "1"])
    #expect(variables.all["BASH_ENV"] == "./evil" && variables.all["PATH"] == "/bin" && variables.all.count == 12)
    #expect(variables.warnings.map(\.position?.line) == [2, 3, 4, 5, 6, 7, 8, 9, 12])
    #expect(variables.warnings.allSatisfy { $0.position?.file == project.path + "/skaffold.env" })
    #expect(variables.position(of: "KUBECONFIG")?.line == 6 && variables.position(of: "PATH") == nil)
    let bare = try ProjectVariables(in: project.path, process: [:])
    #expect(bare.programs == ["A": "1"] && bare.warnings.count == 11)
  }
}
