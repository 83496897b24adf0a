import ControlAPI
import Foundation
import Testing

struct ControlPathsTests {
  @Test func xdgVariablesDecide() {
    let paths = ControlPaths(
      environment: ["HOME": "/home/a", "XDG_RUNTIME_DIR": "/r", "XDG_STATE_HOME": "/s", "XDG_CONFIG_HOME": "/c"],
      uid: 7, sessionDirectories: "/none")
    #expect(paths.socket == "/r/devtunnel/control.sock")
    #expect(paths.log == "/s/devtunnel/daemon.log")
    #expect(paths.settings == "/c/devtunnel/config.yaml")
  }

  @Test func withoutThemHomeAndATemporaryDirectoryDo() {
    let paths = ControlPaths(
      environment: ["HOME": "/home/a", "XDG_STATE_HOME": "relative"], uid: 7, sessionDirectories: "/none")
    #expect(paths.runtime == "/tmp/devtunnel-7")
    #expect(paths.state == "/home/a/.local/state/devtunnel")
    #expect(paths.config == "/home/a/.config/devtunnel")
  }

  @Test func aSessionDirectoryOfTheUserIsFound() async throws {
    try await withTemporaryPaths { temporary in
      let session = "\(temporary.state)/\(geteuid())"
      try FileManager.default.createDirectory(atPath: session, withIntermediateDirectories: true)
      #expect(ControlPaths(environment: [:], sessionDirectories: temporary.state).runtime == session + "/devtunnel")
    }
  }

  @Test func aRuntimeDirectoryThatIsALinkIsRefused() async throws {
    try await withTemporaryPaths { paths in
      try FileManager.default.createDirectory(atPath: paths.state, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(atPath: paths.runtime, withDestinationPath: paths.state)
      let problem = #expect(throws: ControlError.self) { try paths.prepare() }
      #expect(problem?.code == .refused)
    }
  }

  @Test func directoriesAreTheUsersAlone() async throws {
    try await withTemporaryPaths { paths in
      try paths.prepare()
      for path in [paths.runtime, paths.state] {
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o700)
      }
    }
  }
}
