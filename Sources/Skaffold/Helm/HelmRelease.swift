import Manifests

/// A release of a chart (`manifests.helm.releases[]`, `deploy.helm.releases[]`).
public struct HelmRelease: Sendable, Hashable {
  public enum Chart: Sendable, Hashable {
    /// A directory or an archive on this machine; absolute.
    case local(String)
    /// A name in a repository, an `oci://` reference or a URL.
    case remote(String)
  }

  /// A value with its place, for errors.
  struct Placed: Sendable, Hashable {
    var text: String
    var position: SourcePosition?
  }

  /// A value that is given by name.
  struct Setting: Sendable, Hashable {
    var name: String
    var value: String
    var position: SourcePosition?
  }

  public var name: String
  public var chart: Chart
  /// The chart's version in a repository.
  var version: String?
  /// The repository of a remote chart.
  var repo: String?
  /// Absolute paths or URLs, with templates.
  var valuesFiles: [Placed] = []
  var setValues: [Setting] = []
  /// Names and values with templates.
  var setValueTemplates: [Setting] = []
  /// Absolute paths.
  var setFiles: [Setting] = []
  /// Values as YAML; nil: none.
  var overrides: String?
  var namespace: String?
  var skipsTests = false
  /// True if the user brings the chart's dependencies.
  var skipsDependencies = false
  var usesSecrets = false
  /// The versions that the chart gets instead of its own (`packaged`).
  var packaged: Packaged?
  /// Other releases' names.
  var dependsOn: [Placed] = []
  var flags = HelmFlags()
  /// True for a release of `deploy.helm`: Helm itself would install it.
  var isDeployed = false
  /// The repository whose files it may read.
  var root: String
  public var position: SourcePosition?

  struct Packaged: Sendable, Hashable {
    var version: String?
    var appVersion: String?
  }
}

/// Arguments for `helm`, with their places.
struct HelmFlags: Sendable, Hashable {
  var global: [HelmRelease.Placed] = []
  var template: [HelmRelease.Placed] = []
  /// Those of `install` count as far as they set values.
  var install: [HelmRelease.Placed] = []
  var dependencyBuild: [HelmRelease.Placed] = []
}
