import FoundationEssentials
import Logging
import Workloads

/// The Pod's volumes below a directory of the host, `$DEVTUNNEL_ROOT`: readable by this user alone.
actor PodVolumes {
  typealias Fetch = @Sendable (_ path: String, _ limit: Int) async throws(FileProblem) -> [PodFiles.Item]

  private let writer: VolumeWriter
  private let fetch: Fetch
  private let paths: [MountPath]
  private let log: Logger
  private var costs: [MountPath: VolumeBudget.Cost] = [:]

  /// - Parameters:
  ///   - directory: `…/shells/ID`.
  ///   - mounts: all of the container's, copied or not: the place of another mount is not touched.
  ///   - fetch: the Pod's files.
  init(
    directory: HostDirectory, mounts: [VolumeMount], log: Logger, budget: VolumeBudget = VolumeBudget(),
    fetch: @escaping Fetch
  ) {
    writer = VolumeWriter(directory: directory, budget: budget)
    paths = mounts.compactMap { try? MountPath($0.path) }
    self.fetch = fetch
    self.log = log
  }

  /// Copies a volume, replacing an earlier copy.
  /// - Returns: nil if the Pod does not have it.
  func copy(_ mount: VolumeMount) async throws(FileProblem) -> VolumeWriter.Outcome? {
    let path: MountPath
    do throws(MountPath.Problem) { path = try MountPath(mount.path) } catch {
      throw .refused("its path \(error.message)")
    }
    let others = costs.reduce(into: VolumeBudget.Cost()) { sum, cost in
      if cost.key != path { sum.add(cost.value) }
    }
    let tree: [PodFiles.Item]
    do throws(FileProblem) {
      tree = try await fetch(path.text, Int(clamping: writer.budget.left(besides: others)))
    } catch {
      if error == .notFound { return nil }
      throw error
    }
    do throws(HostFileError) {
      let outcome = try writer.write(tree, at: path, others: others, nested: paths)
      costs[path] = outcome.cost
      let unread = tree.filter { $0.entry.kind == .unreadable }.count
      if unread > 0 {
        log.info(
          "files of the Pod are not readable for the agent", metadata: ["path": "\(path.text)", "files": "\(unread)"])
      }
      return outcome
    } catch {
      log.warning("a volume was not written", metadata: ["path": "\(path.text)", "why": "\(error)"])
      throw .refused("\(error)")
    }
  }
}
