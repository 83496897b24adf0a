import CControl
import Foundation
import Testing

@testable import Commands

@Suite struct PrivateGroupTests {
  @Test(
    arguments: [
      // Primary group, the user's name, others: only one of a user's own is private.
      (1000, true, false, true), (1000, true, true, false), (1000, false, false, false), (100, true, false, false),
      (100, false, true, false),
    ] as [(UInt32, Bool, Bool, Bool)]) func onlyAUsersOwnGroupIsPrivate(
      primary: UInt32, isNamed: Bool, hasOthers: Bool, isPrivate: Bool
    )
  {
    let found = ccontrol_group(primary: primary, has_users_name: isNamed ? 1 : 0, has_others: hasOthers ? 1 : 0)
    #expect(PrivateGroup.isPrivate(1000, found) == isPrivate)
  }

  /// The entries of a file of passwd(5) or group(5).
  private func entries(_ file: String) throws -> [[String]] {
    try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map {
      $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    }.filter { $0.count > 3 }
  }

  @Test func theSystemsUsersAndGroupsAreRead() throws {
    let (users, groups) = (try entries("/etc/passwd"), try entries("/etc/group"))
    var shared = 0
    for user in users {
      guard let uid = UInt32(user[2]), let gid = UInt32(user[3]), let group = groups.first(where: { $0[2] == user[3] })
      else { continue }
      // Another source of nsswitch.conf(5) may have further users: what the files say is the least.
      let members = group[3].split(separator: ",").map(String.init).filter { $0 != user[0] }
      let hasOthers = !members.isEmpty || users.contains { $0[3] == user[3] && $0[2] != user[2] }
      var found = ccontrol_group()
      #expect(ccontrol_look_up_group(uid, gid, &found) == 0)
      #expect(found.primary == gid && (found.has_users_name == 1) == (group[0] == user[0]), "\(user)")
      if hasOthers {
        shared += 1
        #expect(found.has_others == 1 && !PrivateGroup.isPrivate(gid, found), "\(user)")
      }
    }
    #expect(shared > 0, "no group is shared here, as nogroup is on most systems")
    var found = ccontrol_group()
    #expect(ccontrol_look_up_group(0, 0, &found) == 0 && found.primary == 0)
    #expect(ccontrol_look_up_group(0, 4_000_000_123, &found) == -ENOENT)
    #expect(ccontrol_look_up_group(4_000_000_123, 0, &found) == -ENOENT)
    #expect(PrivateGroup.isPrivate(0, of: []) && !PrivateGroup.isPrivate(4_000_000_123, of: [0, getuid()]))
  }
}
