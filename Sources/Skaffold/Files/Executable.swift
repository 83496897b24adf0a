#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Checks whether this user may run a file.
func isExecutable(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }
