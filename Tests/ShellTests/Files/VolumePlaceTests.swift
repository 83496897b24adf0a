import Foundation
import Testing
import Workloads

@testable import Shell

/// The places where a volume may be at its own path.
struct VolumePlaceTests {
  private func guarded(
    _ path: String, resolved: String? = nil, isDirectory: Bool = true, missing: Int = 1, allowed: [String] = []
  ) throws -> String? {
    let own = try ["/projects/alice", "/srv/tools/bin", "/apps/x/bin"].map { try MountPath($0) }
    let place = VolumePlace(
      path: try MountPath(path), resolved: try MountPath(resolved ?? path), isDirectory: isDirectory,
      missing: missing)
    return place.guarded(for: .init(allowed: try allowed.map { try MountPath($0) }, own: own))
  }

  @Test(
    "Places that load code or say whom to trust",
    arguments: [
      "/etc", "/etc/ld.so.preload", "/etc/profile.d/x.sh", "/etc/ssh/ssh_config.d/x.conf", "/etc/myapp/config.yaml",
      "/etc/gitconfig", "/etc/ssl/certs/x.pem",
      "/etc/OpenCL/vendors", "/usr/local/bin/git", "/usr/share/x", "/usr", "/bin/x", "/sbin", "/lib/x.so", "/lib64/x",
      "/lib32", "/libx32", "/libexec/x",
      "/opt", "/opt/bin", "/opt/app", "/opt/app/bin", "/opt/app/bin/x", "/opt/app/lib", "/opt/app/lib64/x.so",
      "/opt/app/etc", "/boot/x", "/root/.ssh", "/home",
      "/home/bob/.bashrc", "/proc/x", "/sys", "/dev/shm/x", "/run/user/1000/x", "/run/docker.sock", "/run/systemd/x",
      "/var/run/x", "/var/spool/cron/x",
      "/var", "/snap/bin/x", "/nix/store/x",
      // The person's own.
      "/projects/alice", "/projects/alice/project", "/projects", "/srv/tools/bin", "/srv/tools", "/srv/tools/bin/x",
      "/apps", "/apps/x",
      // Tools look for these names in every folder above theirs.
      "/var/lib/gems/3.1", "/.git", "/data/_opam", "/data/.hidden", "/node_modules", "/data/node_modules/x",
    ])
  func forbidden(path: String) throws {
    #expect(try guarded(path) != nil)
    #expect(try guarded(path, isDirectory: false) != nil)
    // By a link of this machine's.
    #expect(try guarded("/data/link", resolved: path) != nil)
    #expect(try guarded(path, allowed: [path]) == nil)
  }

  @Test(
    "Places that only someone who names them reads",
    arguments: [
      "/data", "/config", "/app/config", "/srv/www", "/mnt/x", "/opt/app/config", "/var/lib/postgresql/data",
      "/var/log/app", "/secrets",
      "/var/run/secrets", "/var/run/secrets/kubernetes.io/serviceaccount", "/run/secrets/x", "/workspace", "/etcetera",
      "/usrlocal", "/srv/toolsbin",
    ])
  func allowed(path: String) throws { #expect(try guarded(path) == nil) }

  @Test(
    "Programs are looked for in /opt/NAME, and Ruby's libraries in /var/lib/gems: neither a folder there nor one above",
    arguments: [
      "/opt/app", "/opt/app/bin", "/opt/app/sbin/x", "/opt/app/lib", "/opt/app/lib64", "/opt/app/libexec/x",
      "/opt/app/etc/x.conf", "/opt/bin", "/opt", "/var/lib/gems", "/var/lib/gems/3.1/gems/x", "/var/lib", "/var",
    ])
  func programs(path: String) throws {
    for missing in 0...2 {
      #expect(try guarded(path, missing: missing)?.hasPrefix("programs") == true)
    }
  }

  @Test(
    "Beside them the application's own folders are free",
    arguments: ["/opt/app/config", "/opt/app/data/bin", "/opt/app/binary", "/var/lib/gemstone", "/var/lib/app"])
  func besidePrograms(path: String) throws { #expect(try guarded(path) == nil) }

  @Test("The token's path and what it is with links followed")
  func token() throws {
    #expect(
      try guarded(
        "/var/run/secrets/kubernetes.io/serviceaccount", resolved: "/run/secrets/kubernetes.io/serviceaccount") == nil)
    #expect(try guarded("/var/run/secrets/x", resolved: "/etc/x") != nil)
    #expect(try guarded("/x", resolved: "/run/secrets/x") != nil)
  }

  @Test("A single file, only in a folder that this machine does not have")
  func files() throws {
    #expect(try guarded("/app/config.yaml", isDirectory: false, missing: 2) == nil)
    #expect(try guarded("/srv/config.yaml", isDirectory: false) != nil)
    #expect(try guarded("/package.json", isDirectory: false) != nil)
    #expect(try guarded("/data/.hidden", missing: 2) == nil)
  }

  @Test(
    "A name that tools look for is guarded in the root too, and all below it",
    arguments: [
      ("/.cargo/config.toml", 2), ("/.git/config", 2), ("/.git/objects/x", 3), ("/node_modules/left-pad/index.js", 3),
      ("/.mvn/extensions.xml", 2), ("/.config/a/b", 3),
    ])
  func missingFolders(path: String, missing: Int) throws {
    for isDirectory in [true, false] { #expect(try guarded(path, isDirectory: isDirectory, missing: missing) != nil) }
    // In a folder that is missing itself, and so is above no working directory.
    #expect(try guarded("/elsewhere\(path)", missing: missing + 1) == nil)
  }

  @Test("--volume-at means a path and what is below it, not what is beside or above it")
  func asked() throws {
    #expect(try guarded("/etc/myapp/config.yaml", allowed: ["/etc/myapp"]) == nil)
    #expect(try guarded("/etc/myapp2/config.yaml", allowed: ["/etc/myapp"]) != nil)
    #expect(try guarded("/etc", allowed: ["/etc/myapp"]) != nil)
  }

  @Test("A path that the helper could not make a mount point of is left out, with the reason")
  func obstacles() throws {
    let scratch = try Scratch()
    let path = scratch.path
    for (name, target) in [
      ("dangling", "\(path)/gone"), ("loop", "loop2"), ("loop2", "loop"), ("tofile", "victim/file"), ("good", "victim"),
    ] {
      try #require(symlink(target, "\(path)/\(name)") == 0)
    }
    for (place, reason) in [
      ("dangling", "is this machine's"), ("dangling/data", "\(path)/dangling is a link to what does not exist here"),
      ("dangling/a/b", "\(path)/dangling is a link to what does not exist here"),
      ("good/inner", "is this machine's"), ("loop/data", "the link \(path)/loop cannot be followed: "),
      ("victim/file/data", "\(path)/victim/file is no folder"),
      ("tofile/data", "\(path)/tofile is a link to what is no folder"),
    ] {
      let obstacle = HostPlaces.obstacle(try MountPath("\(path)/\(place)"))
      #expect(obstacle?.contains(reason) == true, "\(place): \(obstacle ?? "none")")
    }
    let full = "\(path)/full"
    try FileManager.default.createDirectory(atPath: full, withIntermediateDirectories: false)
    for number in 1...4097 { try #require(symlink("x", "\(full)/\(number)") == 0) }
    if geteuid() == 0 {
      for place in ["good/data", "victim/a/b"] {
        #expect(HostPlaces.obstacle(try MountPath("\(path)/\(place)")) == nil, "\(place)")
      }
      #expect(HostPlaces.obstacle(try MountPath("\(full)/data"))?.contains("more than 4096 entries") == true)
      unlink("\(full)/1")
      #expect(HostPlaces.obstacle(try MountPath("\(full)/data")) == nil)
    } else {
      #expect(HostPlaces.obstacle(try MountPath("\(path)/victim/data"))?.contains("yours to write to") == true)
      chmod("\(path)/victim/inner", 0)
      #expect(HostPlaces.obstacle(try MountPath("\(path)/victim/inner/a/b"))?.contains("cannot be looked at") == true)
      chmod("\(path)/victim/inner", 0o500)
      #expect(HostPlaces.obstacle(try MountPath("\(path)/victim/inner/a")) == nil)
      chmod("\(path)/victim/inner", 0o700)
    }
  }

  @Test("This machine's places: what exists, and links on the way")
  func look() throws {
    let scratch = try Scratch()
    #expect(HostPlaces.obstacle(try MountPath("/etc/hostname")) != nil)
    #expect(HostPlaces.obstacle(try MountPath(scratch.path))?.contains("is this machine's") == true)
    let missing = try MountPath("/devtunnel-nowhere/a/b")
    #expect(
      HostPlaces.look(missing, isDirectory: true)
        == VolumePlace(path: missing, resolved: missing, isDirectory: true, missing: 3))
    #expect(HostPlaces.look(try MountPath("/devtunnel-nowhere"), isDirectory: true).parentExists)
    try #require(symlink("/etc", scratch.path + "/link") == 0)
    let linked = HostPlaces.look(try MountPath(scratch.path + "/link/devtunnel-nowhere"), isDirectory: false)
    #expect(linked.resolved.text == "/etc/devtunnel-nowhere" && linked.parentExists)
    #expect(linked.guarded(for: .init()) != nil)
    #expect(
      Set(HostPlaces.own(["/", "", "relative", scratch.path + "/link"]).map(\.text)) == [
        scratch.path + "/link", "/etc",
      ])
  }
}
