@testable import ShellChannel

extension Harness {
  static let shellMessage = Harness(name: "shell-message", maximumLength: 1100) { bytes in
    for count in [0, 1, Int(bytes.first ?? 0) % (ShellMessage.maximumDescriptors + 1)] {
      let descriptors = (0..<count).map { _ in PassedDescriptor(-1) }
      let message: ShellMessage
      do throws(ShellChannelError) { message = try ShellMessage(bytes: bytes, descriptors: descriptors) } catch {
        continue
      }
      try promise(message.descriptors.count == count, "\(message.descriptors.count) of \(count) descriptors are kept")
      let again: ShellMessage
      do throws(ShellChannelError) {
        again = try ShellMessage(bytes: message.bytes, descriptors: message.descriptors)
      } catch { throw BrokenPromise(description: "what was written cannot be read: \(error)") }
      try promise(
        again.bytes == message.bytes && message.bytes.count <= ShellMessage.maximumLength,
        "written and read it is another message")
    }
  }
}
