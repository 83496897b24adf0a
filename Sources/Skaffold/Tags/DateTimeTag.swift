import Inputs
import Manifests

/// `build.tagPolicy.dateTime`: the time as a tag. The time zone's rules come from date(1), since
/// Foundation without ICU has none.
struct DateTimeTag {
  /// Skaffold's (pkg/skaffold/tag/date_time.go).
  static let defaultFormat = "2006-01-02_15-04-05.999_MST"

  let format: String?
  let timezone: String?

  /// - Parameter seconds: since 1970; nil is now.
  func tag(environment: [String: String], seconds: Int? = nil) async throws(InputError) -> String {
    var environment = environment
    if let timezone, timezone != "Local" {
      guard timezone == "UTC" || !timezone.contains("..") && Paths.isFile("/usr/share/zoneinfo/" + timezone) else {
        throw InputError(
          "'\(timezone)' is no time zone", field: "build.tagPolicy.dateTime.timezone",
          remedy: "write a name like Europe/Berlin, UTC or Local")
      }
      environment["TZ"] = timezone
    }
    environment["LC_ALL"] = "C"
    guard let date = InstalledProgram.find("date", environment: environment) else {
      throw InputError(
        "date(1) is not installed", field: "build.tagPolicy.dateTime", remedy: "install it, or use another tag policy")
    }
    let arguments = (seconds.map { ["--date", "@\($0)"] } ?? []) + ["+%Y %m %d %H %M %S %N %Z %z %A %B %j"]
    guard let result = try? await Program(path: date).run(arguments, in: "/", environment: environment),
      result.succeeded,
      let time = GoTime(result.output.split(whereSeparator: \.isWhitespace).map(String.init))
    else {
      throw InputError(
        "date(1) printed no usable time", field: "build.tagPolicy.dateTime", remedy: "use another tag policy")
    }
    return time.formatted(format ?? Self.defaultFormat)
  }
}
