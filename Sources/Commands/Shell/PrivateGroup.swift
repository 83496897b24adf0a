import CControl

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A group that is one user's alone, as most distributions make one for each user: what it may write, nobody else may.
enum PrivateGroup {
  /// - Returns: true for root's group, whose members are administrators, and for the own group of one of the users.
  static func isPrivate(_ group: gid_t, of users: Set<uid_t>) -> Bool {
    group == 0
      || users.contains { user in
        var found = ccontrol_group()
        return ccontrol_look_up_group(user, group, &found) == 0 && isPrivate(group, found)
      }
  }

  /// - Parameter found: the group as the system has it, seen from the user. A primary group of another name
  ///   (`users`, `staff`) is meant for several people, whoever is in it just now.
  static func isPrivate(_ group: gid_t, _ found: ccontrol_group) -> Bool {
    found.primary == group && found.has_users_name != 0 && found.has_others == 0
  }
}
