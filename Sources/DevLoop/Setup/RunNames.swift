import Deploy

/// The identity of this project's objects in a cluster: its directory's name, and a random id that this
/// installation made for this directory. With a sum of the path, two users' /workspace would be one
/// run, and one would delete the other's objects.
struct RunNames: Sendable {
  private let memory: ClusterMemory

  init(stateDirectory: String) { memory = ClusterMemory(file: stateDirectory + "/runs.json") }

  /// - Throws: if the id cannot be kept: objects deployed under it could not be found again.
  func name(of project: Project) throws(LoopError) -> String {
    if let run = project.run { return RunLabel.value(run) }
    var place = project.workingDirectory + "\n" + (try project.skaffoldFile() ?? project.workingDirectory)
    // Some modules alone are a run of their own: it must not prune what all of them have deployed.
    if !project.modules.isEmpty { place += "\n" + project.modules.sorted().joined(separator: ",") }
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
    // Not the configuration's name: which one comes first depends on the modules that were asked for.
    return RunLabel.value(directory + "-" + id)
  }
}
