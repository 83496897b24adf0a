import Testing

@testable import Shell

@Suite struct ShellEnvironmentTests {
  @Test func leavesOutWhatIsThePersonsOrTheMachines() {
    let workload = [
      "DB_HOST": "db", "PATH": "/app/bin", "HOME": "/root", "LC_ALL": "C", "LD_PRELOAD": "x.so", "XDG_CACHE_HOME": "/x", "SSH_AUTH_SOCK": "/s",
      "DEVTUNNEL_TOKEN": "secret", "HOSTNAME": "user-0", "LCOUNT": "1",
    ]
    #expect(ShellEnvironment(workload: workload).variables == ["DB_HOST": "db", "LCOUNT": "1"])
  }

  @Test func excludesByNameAndByBeginning() {
    let workload = ["AWS_KEY": "1", "AWS_SECRET": "2", "KAFKA": "3", "KEEP": "4"]
    #expect(ShellEnvironment(workload: workload, exclude: ["AWS_*", "KAFKA"]).variables == ["KEEP": "4"])
  }

  @Test func warnsOfWhatChangesHowProgramsStart() {
    let environment = ShellEnvironment(workload: ["JAVA_TOOL_OPTIONS": "-javaagent:/opt/agent.jar"])
    #expect(environment.variables["JAVA_TOOL_OPTIONS"] != nil)
    #expect(environment.warnings.count == 1 && environment.warnings[0].contains("--env-exclude JAVA_TOOL_OPTIONS"))
    #expect(ShellEnvironment(workload: ["JAVA_TOOL_OPTIONS": ""], exclude: ["JAVA_TOOL_OPTIONS"]).warnings.isEmpty)
  }
}
