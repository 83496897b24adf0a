extension HelmRelease {
  /// Returns the files that the rendering depends on. Missing files are included, since they may be created.
  func watchedFiles() -> [String] {
    var files: [String] = []
    if case .local(let path) = chart {
      files = Paths.isDirectory(path) == true ? HelmChart.tree(path).files : [path]
      // `helm dependency build` writes these.
      if !skipsDependencies {
        let written = [path + "/charts/", path + "/tmpcharts"]
        files.removeAll { file in
          file == path + "/Chart.lock" || file.hasSuffix(".tgz") && written.contains { file.hasPrefix($0) }
        }
      }
    }
    return files + valuesFiles.map(\.text).filter { !$0.contains("://") && !$0.contains("{{") } + setFiles.map(\.value)
  }
}
