#if canImport(Glibc)
  import Glibc
#endif

/// A descriptor that nothing has taken over.
enum StreamDescriptor {
  static func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }
}
