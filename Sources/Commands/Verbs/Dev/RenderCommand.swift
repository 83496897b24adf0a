import ArgumentParser
import ControlAPI
import DevLoop
import Manifests

struct RenderCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render", abstract: "Prints the manifests as watch would apply them, without building.",
    discussion: """
      Warnings go to stderr. No cluster is asked. Nothing that the repository names is run, \
      no file outside of it is read and none is written, unless --trust says so.

      EXAMPLES:
        devtunnel render | kubectl diff -f -
        devtunnel render --images user=registry.example/user:1.4
      """)

  @OptionGroup var project: ProjectArguments
  @OptionGroup var images: ImageArguments
  @OptionGroup var patches: PatchArguments
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    let context = try LoopContext(global, project: project)
    var options = patches.options(context.setup.project)
    options.images = try images.references(context.variables)
    let rendering = try await context.setup.render(options: options, namespace: context.namespace)
    for warning in rendering.warnings { ErrorOutput.warn(warning.text) }
    let yaml = rendering.yaml
    Terminal.output.write(yaml.hasSuffix("\n") ? yaml : yaml + "\n")
  }
}
