import ArgumentParser
import ControlAPI
import Testing

@testable import Commands

struct ParsingTests {
  private func parse<Command>(_ line: String, as type: Command.Type = Command.self) throws -> Command {
    try #require(try Devtunnel.parseAsRoot(line.split(separator: " ").map(String.init)) as? Command)
  }

  @Test(arguments: [
    "-n testbed --context dev intercept user", "intercept user -n testbed --context dev",
    "--context dev intercept -n testbed user",
  ])
  func globalOptionsStandBeforeOrBehindTheVerb(line: String) throws {
    let command: InterceptCommand = try parse(line)
    let cluster = command.request(for: "user", Settings(), environment: false).cluster
    #expect(cluster.namespace == "testbed")
    #expect(cluster.context == "dev")
  }

  @Test func anInterceptHasAllItsOptions() throws {
    let command: InterceptCommand = try parse(
      """
      intercept user --port 8080:http --port 9090:grpc --address ::1 --container app --agent-image i --refuse \
      --move-connections yes --home-after 1.5 --take-over
      """
    )
    let request = command.request(for: "user", Settings(), environment: true)
    var expected = InterceptRequest(
      cluster: request.cluster, service: "user",
      ports: [.init(local: 8080, remote: "http"), .init(local: 9090, remote: "grpc")])
    expected.address = "::1"
    expected.container = "app"
    expected.agentImage = "i"
    expected.refuse = true
    expected.moveConnections = .yes
    expected.homeAfter = 1.5
    expected.takeOver = true
    expected.environment = true
    #expect(request == expected)
  }

  @Test func anInterceptMayLeadIntoAnotherCluster() throws {
    func target(_ options: String) throws -> InterceptTarget? {
      let command: InterceptCommand = try parse(
        "intercept user -n testbed --context dev --kubeconfig /dev.yaml --via ssh://bastion \(options)")
      return command.request(for: "user", Settings(), environment: false).target
    }
    #expect(try target("") == nil)
    let other = try #require(try target("--to-context kind"))
    #expect(other.target == "user" && other.cluster.context == "kind" && other.cluster.namespace == nil)
    #expect(other.cluster.kubeconfig == ["/dev.yaml"] && other.cluster.bastion?.url == nil)
    let all = try #require(
      try target(
        "--to-kubeconfig /kind.yaml --to-context kind --to-namespace default --to deploy/user-v2 --to-agent-image i"))
    #expect(all.target == "deploy/user-v2" && all.agentImage == "i")
    #expect(
      all.cluster.kubeconfig == ["/kind.yaml"] && all.cluster.context == "kind" && all.cluster.namespace == "default")
    let near = try #require(try target("--to svc/other"))
    #expect(near.target == "svc/other" && near.cluster.context == "dev" && near.cluster.namespace == "testbed")
    #expect(near.cluster.bastion?.url == "ssh://bastion")
  }

  @Test func aShellHasAllItsOptions() throws {
    let command: ShellCommand = try parse(
      """
      shell --service user --container app --agent-image i --host-port 5432 --volumes --volume-at /etc/app/ \
      --volume-at /usr/x --env-exclude AWS_* --env-include JAVA_TOOL_OPTIONS --via-cluster 10.0.0.0/8 --via-host \
      10.1.0.0/16 --all-via-cluster --dns-host corp.example -- go test -v ./...
      """
    )
    let request = command.shell.request(ClusterSelection())
    #expect(command.service == "user" && command.command == ["go", "test", "-v", "./..."])
    #expect(request.hostPorts == [5432] && request.volumes)
    #expect(request.variables == VariableChoice(include: ["JAVA_TOOL_OPTIONS"], exclude: ["AWS_*"]))
    #expect(request.volumesAt == ["/etc/app", "/usr/x"] && request.ownDirectories.contains("/usr/bin"))
    #expect(request.outbound.viaCluster == ["10.0.0.0/8"] && request.outbound.viaHost == ["10.1.0.0/16"])
    #expect(request.outbound.allViaCluster && request.outbound.dnsHost == ["corp.example"])
  }

  @Test func anEnvironmentFileHasItsVariablesChosenToo() throws {
    let command: InterceptCommand = try parse("intercept user --env-file .env --env-include PATH --env-exclude A*")
    #expect(
      command.request(for: "user", Settings(), environment: true).variables
        == VariableChoice(include: ["PATH"], exclude: ["A*"]))
  }

  @Test func severalServicesHavePortsOfTheirOwn() throws {
    let command: InterceptCommand = try parse(
      "intercept web svc/web-alt --port web:3000:http --port web-alt:4000 --port web:5000:9090")
    func ports(_ service: String) -> [PortMapping] {
      command.request(for: service, Settings(), environment: false).ports
    }
    #expect(ports("web") == [PortMapping(local: 3000, remote: "http"), PortMapping(local: 5000, remote: "9090")])
    #expect(ports("web-alt") == [PortMapping(local: 4000)])
    let one: InterceptCommand = try parse("intercept web --port web:3000")
    #expect(one.request(for: "web", Settings(), environment: false).ports == [PortMapping(local: 3000)])
    let all: InterceptCommand = try parse("intercept a b c d e f g h")
    #expect(all.further.names == ["b", "c", "d", "e", "f", "g", "h"])
    let workload: InterceptCommand = try parse("intercept deploy/web --port admin:3000")
    #expect(workload.service == "deploy/web")
  }

  @Test(arguments: [
    ("intercept web web-alt --port 3000", "each --port must name one"),
    ("intercept web --port web-alt:3000", "which is not intercepted here"),
    ("intercept web web", "named twice"), ("intercept web deploy/web", "name it alone"),
    ("intercept web web-alt -- make run", "without a command"), ("intercept deploy/web --to b", "without --to"),
    ("intercept web --port web", "write HOST, HOST:PORT or SERVICE:HOST:PORT"),
    ("intercept web --port web:http", "a port is a number"),
    ("intercept web web-alt --port web:1:http --port web:2:http", "given twice"),
    ("intercept a b c d e f g h i", "Unexpected argument"),
  ])
  func severalServicesAreChecked(line: String, message: String) {
    do {
      _ = try parse(line, as: InterceptCommand.self)
      Issue.record("\(line) was accepted")
    } catch {
      let text = Devtunnel.message(for: error)
      #expect(text.contains(message), "\(line): \(text)")
    }
  }

  @Test func anInterceptMayRunACommand() throws {
    let command: InterceptCommand = try parse("intercept user --port 8080 -- sh -c exit")
    #expect(command.command == ["sh", "-c", "exit"])
  }

  @Test(arguments: [
    "shell --service a --workload deploy/b", "shell --volume-at /", "shell --volume-at etc/app",
    "shell --volume-at /etc/../app",
    "intercept user --env-file - --output json", "connect", "connect --proxy --host", "connect --proxy --port 70000",
    "intercept user --env-file .env -- true", "intercept user --address ::1 -- true",
    "intercept user --to-context kind --address ::1", "intercept user --to other -- true",
    "intercept user --to-agent-image i", "intercept user --to a/b/c",
    "list -n A_b", "list -n ../kube-system", "intercept user --to-namespace a.b",
  ])
  func refusesWhatContradictsItself(line: String) {
    #expect(throws: (any Error).self) { try Devtunnel.parseAsRoot(line.split(separator: " ").map(String.init)) }
  }

  @Test func anEmptyNamespaceIsNotAllOfThem() {
    #expect(throws: (any Error).self) { try Devtunnel.parseAsRoot(["list", "-n", ""]) }
  }

  @Test func theSSHHostIsAFlagOrASetting() throws {
    let command: ListCommand = try parse("list --via ssh://me@bastion --via-host-key SHA256:x")
    let environment = ["HOME": "/home/me", "USER": "me", "SSH_AUTH_SOCK": "/agent"]
    let bastion = try #require(command.global.cluster(Settings(), environment: environment).bastion)
    #expect(
      bastion.url == "ssh://me@bastion" && bastion.hostKey == "SHA256:x" && bastion.home == "/home/me"
        && bastion.agentSocket == "/agent")
    let settings = try SettingsFile.parse("contexts: {prod: {via: 'ssh://b'}}", file: "config.yaml")
    let plain: ListCommand = try parse("list")
    #expect(plain.global.cluster(settings, environment: environment).bastion?.byContext == ["prod": "ssh://b"])
    #expect(plain.global.cluster(Settings(), environment: environment).bastion == nil)
  }

  @Test(arguments: ["contexts: 1", "contexts: {a: b}", "contexts: {a: {vai: b}}", "contexts: {a: {via: [1]}}"])
  func aWrongContextSettingNamesItsLine(text: String) {
    let error = #expect(throws: ControlError.self) { try SettingsFile.parse(text, file: "config.yaml") }
    #expect(error?.message.hasPrefix("config.yaml:1: ") == true)
  }

  @Test func aFlagWinsOverTheSettings() throws {
    var settings = Settings()
    settings.namespace = "set"
    settings.moveConnections = .no
    settings.agentImage = "set"
    let request = try parse("intercept user -n flag --move-connections yes", as: InterceptCommand.self).request(
      for: "user", settings, environment: false)
    #expect(request.cluster.namespace == "flag")
    #expect(request.moveConnections == .yes)
    #expect(request.agentImage == "set")
  }

  @Test func kubeconfigFilesAreAbsolute() throws {
    let options = try parse("status", as: StatusCommand.self).global
    #expect(options.cluster(Settings(), environment: ["KUBECONFIG": "/a:/b"]).kubeconfig == ["/a", "/b"])
    #expect(options.cluster(Settings(), environment: [:]).kubeconfig == [])
    #expect(
      options.cluster(Settings(kubeconfig: "~/c"), environment: ["HOME": "/h", "KUBECONFIG": "/a"]).kubeconfig == [
        "/h/c"
      ])
    let relative = try parse("status --kubeconfig c.yaml", as: StatusCommand.self).global.cluster(
      Settings(), environment: [:]
    ).kubeconfig
    #expect(relative.count == 1 && relative[0].hasPrefix("/") && relative[0].hasSuffix("/c.yaml"))
  }

  @Test func leaveNamesAClusterOnlyWhereAFlagDoes() throws {
    #expect(try parse("leave user", as: LeaveCommand.self).global.namedCluster(Settings(namespace: "set")) == nil)
    // A namespace names no cluster: the daemon knows where the Service is intercepted.
    #expect(try parse("leave user -n a", as: LeaveCommand.self).global.namedCluster(Settings(context: "set")) == nil)
    #expect(try parse("leave user --context c", as: LeaveCommand.self).global.namedCluster(Settings())?.context == "c")
  }

  @Test(arguments: [
    "intercept", "intercept user --port 0", "intercept user --port 80 --port 81", "intercept user --output xml",
    "intercept user --address here",
    "intercept user --replace --move-connections yes", "leave user --all", "leave --drain -1",
    "intercept user --home-after 0", "intercept user --home-after soon", "leave --drain soon",
    "forward", "forward db",
    "forward db 80 80", "forward db 80 --stop f1", "forward --stop f1 --foreground", "list -A -n a", "logs --lines -1",
    "completion tcsh", "nonsense",
    "status extra",
  ])
  func wrongUsage(line: String) {
    let problem = #expect(throws: (any Error).self) {
      try Devtunnel.parseAsRoot(line.split(separator: " ").map(String.init))
    }
    if let problem { #expect(Devtunnel.exitCode(for: problem) == .validationFailure) }
  }

  @Test func aMistakeIsToldInOurForm() {
    let problem = #expect(throws: (any Error).self) {
      try Devtunnel.parseAsRoot(["intercept", "user", "--port", "99999"])
    }
    let text = ErrorOutput.usage(problem.map { Devtunnel.fullMessage(for: $0) } ?? "")
    #expect(text.hasPrefix("devtunnel: The value '99999' is invalid"))
    #expect(text.contains("a port is a number from 1 to 65535"))
  }

  @Test(arguments: CompletionShell.allCases)
  func everyShellHasACompletionScript(shell: CompletionShell) {
    let script = Devtunnel.completionScript(for: shell)
    #expect(script.contains("intercept"))
    #expect(script.contains("move-connections"))
  }
}
