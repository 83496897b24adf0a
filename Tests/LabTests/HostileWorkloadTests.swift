import ControlAPI
import Foundation
import Testing

extension LabTests {
  /// A workload whose writer aims at the developer's machine.
  @Suite(.sharedLab()) struct HostileWorkloadTests {
    /// In the developer's place, outside of every shell.
    private final class Victim {
      let path = "/tmp/dt-victim-" + UUID().uuidString.prefix(8)

      init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try Data("mine".utf8).write(to: URL(filePath: path + "/file"))
      }

      deinit { try? FileManager.default.removeItem(atPath: path) }
      var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
    }

    @Test func nothingOfItRunsOrWritesOutsideOfTheShellsFolder() async throws {
      let lab = try SharedLab.lab
      let victim = try Victim()
      try await lab.create(
        yaml: """
          apiVersion: v1
          kind: ConfigMap
          metadata: {name: hostile, namespace: shop}
          data: {run.sh: "echo pwned\\n", app.ini: "colour = blue\\n"}
          ---
          apiVersion: apps/v1
          kind: Deployment
          metadata: {name: hostile, namespace: shop}
          spec:
            selector: {matchLabels: {app: hostile}}
            template:
              metadata: {labels: {app: hostile}}
              spec:
                containers:
                  - name: app
                    image: lab/busybox:1
                    command: [sleep, infinity]
                    env:
                      - {name: BASH_ENV, value: /etc/profile.d/devtunnel-test.sh}
                      - {name: PROMPT_COMMAND, value: "echo pwned"}
                      - {name: COLOUR, value: green}
                      - {name: EMPTY}
                    volumeMounts:
                      - {name: files, mountPath: /../../../../../../../../../..\(victim.path)}
                      - {name: files, mountPath: /etc/profile.d/devtunnel-test.sh, subPath: run.sh}
                      - {name: files, mountPath: /usr/local/bin/devtunnel-test, subPath: run.sh}
                      - {name: files, mountPath: /etc/devtunnel-test/app.ini, subPath: app.ini}
                      - {name: files, mountPath: /lab/app}
                volumes: [{name: files, configMap: {name: hostile, defaultMode: 0755}}]
          """)
      try await lab.developer("target@host") { alice in
        var request = ShellRequest(cluster: lab.cluster)
        request.workload = "deploy/hostile"
        let report = try await alice.shell(request) { _ in }
        #expect(report.environment["BASH_ENV"] == nil && report.environment["PROMPT_COMMAND"] == nil)
        let script = """
          echo "$COLOUR" "${EMPTY-unset}"
          cat /lab/app/app.ini "$DEVTUNNEL_ROOT/etc/devtunnel-test/app.ini"
          cat "$DEVTUNNEL_ROOT/etc/profile.d/devtunnel-test.sh"
          ls -d /etc/profile.d/devtunnel-test.sh /usr/local/bin/devtunnel-test /etc/devtunnel-test 2>/dev/null
          true
          """
        let outcome = try await lab.enter(report, script)
        #expect(outcome.lines == ["green ", "colour = blue", "colour = blue", "echo pwned"], "\(outcome)")
        #expect(victim.names == ["file"])
        let warnings = report.warnings.joined(separator: "\n")
        for text in [
          "volume files of container app is left out", "BASH_ENV, PROMPT_COMMAND; --env-include",
          "/etc/devtunnel-test/app.ini", "--volume-at",
        ] {
          #expect(warnings.contains(text), "\(report.warnings)")
        }
        try await eventually("the shell is gone") { await alice.status().outbound.isEmpty }

        request.variables.include = ["PROMPT_COMMAND"]
        request.volumesAt = ["/etc/devtunnel-test"]
        let asked = try await lab.enter(
          try await alice.shell(request) { _ in }, "echo \"$PROMPT_COMMAND\"; cat /etc/devtunnel-test/app.ini")
        #expect(asked.lines == ["echo pwned", "colour = blue"], "\(asked)")
        #expect(victim.names == ["file"])
      }
      try await lab.expectNoTraces()
    }

    @Test func aVolumeInAnothersPlaceComesAlongWithIt() async throws {
      let lab = try SharedLab.lab
      try await lab.create(
        yaml: """
          apiVersion: v1
          kind: ConfigMap
          metadata: {name: nested, namespace: shop}
          data: {extra.ini: "colour = blue\\n"}
          ---
          apiVersion: apps/v1
          kind: Deployment
          metadata: {name: nested, namespace: shop}
          spec:
            selector: {matchLabels: {app: nested}}
            template:
              metadata: {labels: {app: nested}}
              spec:
                containers:
                  - name: app
                    image: lab/busybox:1
                    command: [sleep, infinity]
                    volumeMounts:
                      - {name: conf, mountPath: /lab/state/conf, readOnly: true}
                      - {name: state, mountPath: /lab/state}
                volumes: [{name: state, emptyDir: {}}, {name: conf, configMap: {name: nested}}]
          """)
      try await lab.developer("nested@host") { alice in
        var request = ShellRequest(cluster: lab.cluster)
        request.workload = "deploy/nested"
        request.volumes = true
        let outcome = try await lab.inside(
          alice, request,
          "cat /lab/state/conf/extra.ini $DEVTUNNEL_ROOT/lab/state/conf/extra.ini; ls -A $DEVTUNNEL_ROOT/lab/state")
        #expect(outcome.lines == ["colour = blue", "colour = blue", "conf"], "\(outcome)")
      }
      try await lab.expectNoTraces()
    }
  }
}
