import Glibc

// A program around libFuzzer's driver, which `./install.sh fuzz` links in:
// `devtunnel-fuzz PARSER [libFuzzer's options] [FOLDER…]`.

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// An input that takes longer than this, in CPU time, counts as one that hangs.
private let longest = 1.0

nonisolated(unsafe) private var harness = Harness.all[0]
nonisolated(unsafe) private var slowest = 0.0

private func seconds(_ clock: clockid_t) -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

private func run(_ bytes: [UInt8]) {
  do { try harness.run(bytes) } catch { fatalError("\(harness.name): \(error)") }
}

private func one(_ bytes: [UInt8]) {
  let start = seconds(CLOCK_MONOTONIC)
  run(bytes)
  guard seconds(CLOCK_MONOTONIC) - start > slowest else { return }
  // It may have waited for a processor. CPU time counts, and reading that is a system call, longer than a small parser.
  let begin = seconds(CLOCK_THREAD_CPUTIME_ID)
  run(bytes)
  let taken = seconds(CLOCK_THREAD_CPUTIME_ID) - begin
  slowest = max(slowest, taken)
  if taken > longest { fatalError("\(harness.name): an input of \(bytes.count) bytes took \(taken) s of CPU time") }
}

private func usage() -> Never {
  print("usage: devtunnel-fuzz list | PARSER dictionary | PARSER enlarged FILE FOLDER | PARSER [OPTION…] [FOLDER…]")
  exit(2)
}

private func read(_ path: String) -> [UInt8] {
  guard let file = fopen(path, "r") else { return [] }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
  return bytes
}

private func write(_ bytes: [UInt8], _ path: String) {
  guard let file = fopen(path, "w") else { return }
  fwrite(bytes, 1, bytes.count, file)
  fclose(file)
}

private func files(_ folder: String) -> [String] {
  guard let directory = opendir(folder) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if !name.hasPrefix(".") { names.append("\(folder)/\(name)") }
  }
  return names.sorted()
}

/// Runs each input of a folder, each of its lines and each word of the dictionary, repeated until there are `size`
/// bytes: some costs grow faster than an input does. The input under way is in a file, for the case that the program
/// dies.
private func runEnlarged(_ path: String, _ folder: String, size: Int = 256 << 10) {
  var seeds: Set<[UInt8]> = Set(harness.dictionary.map { Array($0.utf8) })
  for file in files(folder) {
    let bytes = read(file)
    seeds.insert(bytes)
    for line in bytes.split(separator: 10) { seeds.formUnion([Array(line), Array(line) + [10]]) }
  }
  for character in "([{<!*-\"'\\$&?|:\n\t #a0" { seeds.insert([character.asciiValue ?? 0]) }
  var count = 0
  for seed in seeds.sorted(by: { $0.lexicographicallyPrecedes($1) }) where !seed.isEmpty {
    var bytes: [UInt8] = []
    while bytes.count < size { bytes += seed }
    // The beginning of a seed may be a head that is there once.
    for whole in [bytes, (seed.count < 4096 ? Array(seed.prefix(seed.count / 2)) : []) + bytes] {
      write(whole, path)
      one(whole)
      count += 1
    }
  }
  remove(path)
  print("enlarged: \(count) inputs")
}

let arguments = CommandLine.arguments.dropFirst()
if arguments.first == "list" {
  for harness in Harness.all {
    print("\(harness.name) \(min(harness.usualLength, harness.maximumLength)) \(harness.maximumLength)")
  }
  exit(0)
}
guard let name = arguments.first, let chosen = Harness.all.first(where: { $0.name == name }) else { usage() }
harness = chosen
switch arguments.dropFirst().first {
case "dictionary":
  // libFuzzer's format: a quoted word to a line, other bytes as \xNN; a file without any line is an error to it.
  print("# \(harness.name)")
  for word in harness.dictionary {
    let quoted = word.utf8.map { byte -> String in
      let digits = String(byte, radix: 16)
      let isPlain = byte >= 0x20 && byte < 0x7f && byte != 0x22 && byte != 0x5c
      return isPlain ? String(UnicodeScalar(byte)) : "\\x" + (digits.count < 2 ? "0" : "") + digits
    }
    print("\"\(quoted.joined())\"")
  }
case "enlarged":
  guard arguments.count == 4, let file = arguments.dropFirst(2).first, let folder = arguments.last else { usage() }
  runEnlarged(file, folder)
default:
  // libFuzzer watches the time once it runs; a seed that hangs ends the process as well.
  alarm(60)
  Counters.register(map: String(decoding: read(CommandLine.arguments[0] + ".counters"), as: UTF8.self)) {
    for file in arguments.last.map(files) ?? [] { one(read(file)) }
    for word in harness.dictionary { one(Array(word.utf8)) }
  }
  alarm(0)
  // The driver ends the process by itself.
  atexit { print("slowest input: \(Int(slowest * 1e6)) us of CPU time") }
  var values = ([CommandLine.arguments[0]] + arguments.dropFirst()).map { strdup($0) } + [nil]
  var count = CInt(values.count - 1)
  let status = values.withUnsafeMutableBufferPointer { buffer in
    var start = buffer.baseAddress!
    return runDriver(&count, &start) { bytes, count in
      one(Array(UnsafeBufferPointer(start: bytes, count: count)))
      return 0
    }
  }
  exit(status)
}
