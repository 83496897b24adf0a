import ControlAPI
import Foundation
import Testing

@testable import Commands

@Suite struct TrustedProgramTests {
  private let folder = URL(filePath: "/tmp").appending(path: "devtunnel-trusted-\(UUID().uuidString)").path
  private var program: String { "\(folder)/bin/helper" }

  init() throws {
    try FileManager.default.createDirectory(
      atPath: "\(folder)/bin", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    #expect(FileManager.default.createFile(atPath: program, contents: Data(), attributes: [.posixPermissions: 0o755]))
  }

  private func refusal(_ path: String, owners: Set<uid_t>? = nil) -> String? {
    do throws(ControlError) {
      _ = try TrustedProgram.resolve(path, owners: owners ?? [0, getuid()])
      return nil
    } catch { return error.message }
  }

  @Test func whatOnlyThisUserAndRootMayChangeIsRun() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(try TrustedProgram.resolve(program, owners: [0, getuid()]) == program)
    symlink(program, "\(folder)/link")
    #expect(try TrustedProgram.resolve("\(folder)/link", owners: [0, getuid()]) == program)
  }

  @Test func whatOthersMayChangeIsNotRunAsRoot() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    symlink(program, "\(folder)/link")
    for (place, mode) in [(program, 0o757), ("\(folder)/bin", 0o757), (folder, 0o777)] as [(String, mode_t)] {
      chmod(place, mode)
      for path in [program, "\(folder)/link"] {
        #expect(refusal(path)?.contains("may change \(place)") == true, "\(place)")
      }
      chmod(place, 0o755)
    }
    #expect(refusal(program) == nil)
    #expect(refusal(program, owners: [getuid() + 1, 0])?.contains(program) == true || getuid() == 0)
    if getuid() == 0 {
      chown(program, 54_321, 54_321)
      #expect(refusal(program)?.contains("may change \(program)") == true)
    }
    #expect(refusal("\(folder)/bin")?.contains("is no program") == true)
    #expect(
      refusal("\(folder)/none")?.contains("cannot find") == true && refusal("helper")?.contains("cannot find") == true)
  }

  @Test func aGroupThatMayWriteMustBePrivate() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let group = getgid()
    for place in [program, "\(folder)/bin"] {
      chmod(place, 0o775)
      #expect(try TrustedProgram.resolve(program, owners: [0, getuid()], isPrivate: { $0 == group }) == program)
      let error = #expect(throws: ControlError.self) {
        try TrustedProgram.resolve(program, owners: [0, getuid()], isPrivate: { _ in false })
      }
      #expect(error?.message.contains("may change \(place)") == true)
      chmod(place, 0o755)
    }
    // A group of which this system knows nothing.
    guard getuid() == 0 else { return }
    chown(program, 0, 54_321)
    #expect(refusal(program) == nil)
    chmod(program, 0o775)
    #expect(refusal(program)?.contains("may change \(program)") == true)
  }
}
