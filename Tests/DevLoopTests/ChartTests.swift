import Deploy
import FoundationEssentials
import Glibc
import KubeObjects
import Skaffold
import Synchronization
import Testing
import Watching

@testable import DevLoop

/// A loop over a skaffold.yaml with a chart and hooks, rendered by a program in Helm's place.
@Suite(.timeLimit(.minutes(1)))
struct ChartTests {
  private let directory = FileManager.default.temporaryDirectory.path + "/chart-loop-\(UUID().uuidString)"

  private func write(_ text: String, to name: String) throws {
    let file = URL(filePath: directory + "/" + name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  private func text(_ name: String) -> String {
    (try? String(contentsOfFile: directory + "/" + name, encoding: .utf8)) ?? ""
  }

  /// Helm's part is played by a script that prints the chart's templates as they are, with the value for the image.
  private func make() throws {
    try write(
      """
      apiVersion: skaffold/v4beta11
      kind: Config
      build:
        artifacts:
        - image: app
          context: app
      deploy:
        kubectl:
          hooks:
            before: [{host: {command: [sh, -c, "echo before $SKAFFOLD_KUBE_CONTEXT >> hooks"]}}]
            after: [{host: {command: [sh, -c, "echo after >> hooks"]}}]
        helm:
          releases:
          - {name: one, chartPath: one, setValueTemplates: {tag: "{{.IMAGE_TAG_app}}"}}
          - {name: two, chartPath: two}

      """, to: "skaffold.yaml")
    try write("FROM scratch\nCOPY main /\n", to: "app/Dockerfile")
    try write("main", to: "app/main")
    for name in ["one", "two"] { try write("name: \(name)\nversion: 1.0.0\n", to: "\(name)/Chart.yaml") }
    try write(
      Workbench.manifest("app").replacing("image: app", with: "image: 'x/app:TAG'"), to: "one/templates/app.yaml")
    try write("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {tag: v-TAG}\n", to: "one/templates/c.yaml")
    try write("apiVersion: v1\nkind: Service\nmetadata: {name: s}\n", to: "two/templates/s.yaml")
    try write(
      """
      #!/bin/sh
      tag=none
      for word; do name=$chart; chart=$word; case $word in tag=*) tag=${word#tag=};; esac; done
      echo "$name" >> '\(directory)/runs'
      for file in "$chart"/templates/*; do echo ---; sed "s/TAG/$tag/" "$file"; done

      """, to: "bin/helm")
    #expect(chmod(directory + "/bin/helm", 0o755) == 0)
  }

  private func loop(_ builder: FakeBuilder, _ cluster: FakeCluster, _ events: AsyncStream<DevEvent>.Continuation)
    -> DevLoop
  {
    let environment = ["PATH": directory + "/bin:/usr/bin:/bin"]
    let directory = directory
    let source = LoopSource(files: [directory + "/skaffold.yaml"]) { () async throws(LoopError) in
      var project = Project(workingDirectory: directory, environment: environment)
      project.file = "skaffold.yaml"
      var files: [String] = []
      return try await project.configurations(
        command: "dev", kubeContext: nil,
        repositories: RemoteRepositories(directory: directory + "/cache", environment: [:]), files: &files)
    } parts: { _ async throws(LoopError) in
      LoopParts(
        builder: builder, loader: FakeLoader(), deployer: cluster, syncer: cluster,
        description: .init(builder: "fake", cluster: "fake", context: "test", namespace: "default"))
    }
    return DevLoop(source, options: LoopOptions(environment: environment)) { events.yield($0) }
  }

  @Test func aSavedTemplateRendersItsReleaseAloneAndSendsWhatChanged() async throws {
    try make()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let (builder, cluster) = (FakeBuilder(), FakeCluster())
    let (stream, continuation) = AsyncStream.makeStream(of: DevEvent.self)
    var events = stream.makeAsyncIterator()
    let loop = loop(builder, cluster, continuation)
    await loop.start()
    try await events.untilWatching()
    // The image of the chart is the built one, and its tag is filled in elsewhere too.
    let first = try #require(cluster.manifests.first)
    let container = first.first { $0.kind == "Deployment" }?.object[path: "spec", "template", "spec", "containers"]?[0]
    #expect(container?["image"]?.stringValue == "app:devtunnel-app1")
    #expect(first.first { $0.kind == "ConfigMap" }?.object[path: "data", "tag"] == "v-devtunnel-app1")
    #expect(first.count == 3 && text("runs").split(separator: "\n").sorted() == ["one", "two"])
    #expect(text("hooks") == "before test\nafter\n")

    try write("apiVersion: v1\nkind: Service\nmetadata: {name: s, labels: {a: b}}\n", to: "two/templates/s.yaml")
    await loop.accept(ChangeBatch(paths: [directory + "/two/templates/s.yaml"]))
    #expect(try await events.untilChanged().action == .deploy)
    try await events.untilWatching()
    #expect(cluster.applies.last == ["Service s"] && builder.builds == [["app"]])
    #expect(text("runs").split(separator: "\n").count == 3 && text("runs").hasSuffix("two\n"))

    // A build changes the objects with its tag, and renders nothing.
    try write("new", to: "app/main")
    await loop.accept(ChangeBatch(paths: [directory + "/app/main"]))
    try await events.untilWatching()
    #expect(cluster.applies.last.map(Set.init) == ["Deployment app", "ConfigMap c"])
    #expect(text("runs").split(separator: "\n").count == 3)

    // A new file of a chart counts, and one that helm itself writes does not.
    try write("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\n", to: "two/templates/d.yaml")
    await loop.accept(ChangeBatch(paths: [directory + "/two/Chart.lock"]))
    await loop.accept(ChangeBatch(paths: [directory + "/two/templates/d.yaml"]))
    try await events.untilWatching()
    #expect(cluster.applies.last == ["ConfigMap d"])
    await loop.stop()
  }
}
