import Testing
import Workloads

@testable import Shell

@Suite struct VolumeBindsTests {
  /// Nothing exists here but `/srv`, `/etc`, `/var` and `/run`, to which `/var/run` is a link.
  private func binds(_ mounts: (path: String, isDirectory: Bool)..., allowed: [String] = []) throws -> VolumeBinds {
    let copied = mounts.map {
      VolumeBinds.Copied(
        mount: VolumeMount(name: "v", path: $0.path, isProjected: true), isDirectory: $0.isDirectory)
    }
    let person = VolumePlace.Person(allowed: try allowed.map { try MountPath($0) })
    return VolumeBinds(copied, person: person) { path in
      path.text == "/srv/taken" ? "/srv/taken is this machine's" : nil
    } look: { path, isDirectory in
      let text = path.text.hasPrefix("/var/run/") ? String(path.text.dropFirst(4)) : path.text
      return VolumePlace(
        path: path, resolved: (try? MountPath(text)) ?? path, isDirectory: isDirectory, missing: path.parts.count - 1)
    }
  }

  @Test func aVolumeInsideAnotherComesAlongWithIt() throws {
    let found = try binds(("/srv/state", true), ("/srv/state/conf", true), ("/srv/state/a.ini", false))
    #expect(found.paths.map(\.text) == ["/srv/state"])
    #expect(found.warnings.isEmpty)
  }

  @Test func aVolumeInsideOneThatIsNotThereIsPlacedByItself() throws {
    let found = try binds(("/srv/taken", true), ("/srv/taken/conf", true))
    #expect(found.paths.map(\.text) == ["/srv/taken/conf"])
    #expect(found.warnings.count == 1)
    #expect(try binds(("/srv/state/conf", true)).paths.map(\.text) == ["/srv/state/conf"])
  }

  @Test func aPathThatALinkLeadsIntoAnotherVolumeIsNotMountedThere() throws {
    let found = try binds(("/var/run/secrets/app", true), ("/run/secrets/app/key", true))
    #expect(found.paths.map(\.text) == ["/var/run/secrets/app"])
    #expect(found.warnings.first?.contains("inside /var/run/secrets/app") == true)
  }

  @Test func guardedPlacesAreNamedTogether() throws {
    let found = try binds(("/etc/a", true), ("/etc/b.ini", false), ("/srv/state", true))
    #expect(found.paths.map(\.text) == ["/srv/state"])
    #expect(found.warnings.count == 1)
    #expect(
      found.warnings.first?.contains("/etc/a (") == true && found.warnings.first?.contains("/etc/b.ini (") == true)
    #expect(try binds(("/etc/a", true), allowed: ["/etc/a"]).paths.map(\.text) == ["/etc/a"])
  }
}
