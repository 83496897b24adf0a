import Inputs
import Manifests

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// One run of `helm template`.
struct HelmCall: Sendable {
  struct Output: Sendable {
    var text: String
    var warnings: [Diagnostic]
  }

  var program: Program
  var release: HelmRelease
  /// nil for an archive or a remote chart.
  var chart: HelmChart?
  var settings: HelmRelease.Settings
  var options: [String]
  /// The options of `helm dependency build`.
  var dependencyOptions: [String] = []
  var namespace: String?
  var environment: [String: String]

  private static let limit = Duration.seconds(300)

  /// - Throws: `InputError` with Helm's words, at the place that they name.
  func run() async throws(InputError) -> Output {
    var scratch: String?
    defer { if let scratch { try? FileManager.default.removeItem(atPath: scratch) } }
    if let chart, !release.skipsDependencies, !chart.missing.isEmpty {
      try await perform(
        ["dependency", "build"] + dependencyOptions + ["--", chart.directory],
        "the dependencies of \(chart.directory) cannot be fetched")
    }
    var values: [String] = []
    for setting in settings.sets { values += ["--set", setting] }
    for setting in settings.setFiles { values += ["--set-file", "\(setting.name)=\(setting.value)"] }
    for file in settings.files { values += ["--values", file.text] }
    let isStaged = chart.map { !$0.local.isEmpty && !release.skipsDependencies } ?? false
    let packaged = release.isDeployed ? release.packaged : nil
    var source =
      switch release.chart {
      case .local(let path): path
      case .remote(let name): name
      }
    if isStaged || packaged != nil || release.overrides != nil {
      let directory = Paths.real(FileManager.default.temporaryDirectory.path) + "/devtunnel-helm-\(UUID().uuidString)"
      scratch = directory
      do {
        try FileManager.default.createDirectory(
          atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        if let chart, isStaged || packaged != nil { source = try chart.stage(in: directory, packaged: packaged) }
        if let overrides = release.overrides {
          try Data(overrides.utf8).write(to: URL(filePath: directory + "/overrides.yaml"))
          values += ["--values", directory + "/overrides.yaml"]
        }
      } catch let error as InputError {
        throw error
      } catch {
        throw InputError(
          "a copy of the chart cannot be written to \(directory): \(error)", at: release.position,
          remedy: "make room there, or set TMPDIR to another directory")
      }
    }
    var arguments = ["template"] + options + values
    if let version = release.version, release.packaged == nil { arguments += ["--version", version] }
    if let namespace { arguments += ["--namespace", namespace] }
    if let repo = release.repo { arguments += ["--repo", repo] }
    if release.skipsTests { arguments.append("--skip-tests") }
    // A name behind `--` is no option. The plugin does not know it; name and chart are checked all the same.
    arguments += (release.usesSecrets ? [] : ["--"]) + [release.name, source]
    let result = try await perform(
      release.usesSecrets ? ["secrets"] + arguments : arguments, "the release \(release.name) cannot be rendered",
      hiding: scratch)
    let remarks = result.errors.split(whereSeparator: \.isNewline).filter { !HelmFailure.isNoise(String($0)) }
    let warnings = remarks.map { Diagnostic(.warning, "helm says: \($0)", at: release.position) }
    return Output(text: result.output, warnings: warnings)
  }

  @discardableResult
  private func perform(_ arguments: [String], _ problem: String, hiding scratch: String? = nil)
    async throws(InputError) -> Program.Result
  {
    let result: Program.Result
    do {
      result = try await program.run(arguments, in: "/", environment: environment, within: Self.limit)
    } catch is Program.TookTooLong {
      throw InputError(
        "\(problem): helm took more than \(Self.limit)", at: release.position,
        remedy: "run helm \(arguments.prefix { !$0.hasPrefix("-") }.joined(separator: " ")) with this chart to see why")
    } catch {
      throw InputError("\(problem): \(program.path): \(error)", at: release.position, remedy: "reinstall helm")
    }
    guard result.succeeded else {
      var words = result.errors
      // The stage looks like the chart.
      if let scratch, let chart {
        words = words.replacing(scratch + "/" + Paths.name(of: chart.directory), with: chart.directory)
      }
      let place = HelmFailure.place(
        words, chart: chart.map { ($0.name, $0.directory) }, files: settings.files.map(\.text))
      throw InputError(
        "\(problem): \(HelmFailure.text(words))", at: place ?? release.position,
        remedy: "correct it; 'helm template \(release.name)' with the chart and its values shows the same")
    }
    return result
  }

  // MARK: Identity

  /// The inputs of the rendering: files by their times and sizes.
  var key: HelmCache.Key {
    var files: [String] = []
    if case .local(let path) = release.chart {
      files += chart == nil ? [path] : HelmChart.tree(path).files
    }
    files += settings.files.map(\.text) + settings.setFiles.map(\.value)
    return HelmCache.Key(
      program: program.path, release: release, settings: settings, options: options, namespace: namespace,
      files: files.map(HelmCache.File.init))
  }
}
