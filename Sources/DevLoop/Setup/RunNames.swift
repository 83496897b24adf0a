import Deploy
import Skaffold

/// The identity of this project's objects in a cluster: its name, and a random id that this
/// installation made for this directory. With a sum of the path, two users' /workspace would be one
/// run, and one would delete the other's objects.
struct RunNames: Sendable {
  private let memory: ClusterMemory

  init(stateDirectory: String) { memory = ClusterMemory(file: stateDirectory + "/runs.json") }

  /// - Throws: if the id cannot be kept: objects deployed under it could not be found again.
  func name(of project: Project, _ configurations: [DevConfiguration]) throws(LoopError) -> String {
    if let run = project.run { return RunLabel.value(run) }
    let place = project.workingDirectory + "\n" + (try project.skaffoldFile() ?? project.workingDirectory)
    let directory = project.workingDirectory.split(separator: "/").last.map(String.init) ?? "root"
    let id: String
    if let known = memory.load()[place] {
      id = known
    } else {
      id = String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
      memory.save(place, id)
      guard memory.load()[place] == id else {
        throw LoopError(
          .configuration, "\(memory.file) cannot be written",
          remedy: "make room there, or name the run with --run NAME: devtunnel delete needs the same name")
      }
    }
    return RunLabel.value((configurations.compactMap(\.name).first ?? directory) + "-" + id)
  }
}
