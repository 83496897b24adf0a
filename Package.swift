// swift-tools-version: 6.1
import PackageDescription

// Dependencies point down only: docs/modules.md has a paragraph for each module, and ModulesTests holds it to this
// file.
let strict: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny")]
// For code that runs some thousand schedules in the tests: optimized in debug builds, too.
let fast: [SwiftSetting] = strict + [.unsafeFlags(["-O", "-enforce-exclusivity=unchecked"])]

// The same with all checks of a debug build, since this code reads bytes of others.
let checked: [SwiftSetting] =
  strict + [.unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))]

let package = Package(
  name: "devtunnel",
  products: [
    .executable(name: "devtunnel", targets: ["devtunnel"]),
    .executable(name: "devtunnel-bench", targets: ["DevtunnelBench"]),
    .executable(name: "devtunnel-lab", targets: ["devtunnel-lab"]),
    .executable(name: "devtunnel-shell", targets: ["devtunnel-shell"]),
  ],
  // Exact, so that no build takes a newer one by surprise. Their own dependencies still float: docs/security.md.
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-http2", exact: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
  ],
  targets: [
    // The executables start something and do nothing else.
    .executableTarget(name: "devtunnel", dependencies: ["Commands"], swiftSettings: strict),
    .executableTarget(
      name: "DevtunnelBench",
      dependencies: [
        "CLinux", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ], swiftSettings: strict),
    .executableTarget(name: "devtunnel-lab", dependencies: ["LabCommands"], swiftSettings: strict),
    .executableTarget(name: "devtunnel-shell", dependencies: ["ShellHelper"], swiftSettings: strict),

    // Control plane.
    .target(
      name: "Commands",
      dependencies: [
        "Agents", "CControl", "CLinux", "ControlAPI", "Daemon", "DevLoop", "Exchanges", "Explain", "HTTPMessages",
        "Images", "Inputs", "KubeAPI",
        "KubeObjects", "Manifests", "Replay", "Skaffold", "TerminalText", "Threads", "Workloads",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ], swiftSettings: strict),
    .target(
      name: "Daemon",
      dependencies: [
        "CControl", "ControlAPI", "Operations", "Threads", .product(name: "Logging", package: "swift-log"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ], swiftSettings: strict),
    .target(
      name: "Operations",
      dependencies: [
        "Agents", "Bastion", "ControlAPI", "Exchanges", "Explain", "Forward", "Intercept", "KubeAPI", "KubeObjects",
        "KubeStreams", "Outbound",
        "Relay", "Shell",
        "ShellChannel", "Threads", "TunnelProtocol", "Workloads",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .target(
      name: "Explain", dependencies: ["Agents", "ControlAPI", "KubeObjects", "Workloads"], swiftSettings: strict),
    .target(
      name: "Intercept",
      dependencies: [
        "Agents", "CLinux", "ControlAPI", "HTTPMessages", "InterceptMachine", "KubeAPI", "KubeObjects", "KubeStreams",
        "Relay", "TunnelProtocol", "Workloads",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .target(name: "InterceptMachine", swiftSettings: fast),
    .target(
      name: "Forward",
      dependencies: [
        "Agents", "CLinux", "ControlAPI", "HTTPMessages", "KubeAPI", "KubeObjects", "Relay", "TunnelProtocol",
        "Workloads",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .target(
      name: "Shell",
      dependencies: [
        "Agents", "CLinux", "ControlAPI", "KubeAPI", "KubeObjects", "Outbound", "Relay", "ShellChannel", "Threads",
        "TunnelProtocol", "Workloads",
        .product(name: "Logging", package: "swift-log"), .product(name: "Subprocess", package: "swift-subprocess"),
      ], swiftSettings: strict),
    .target(
      name: "ControlAPI", dependencies: ["CControl", "Exchanges", "HTTPMessages", "Threads"], swiftSettings: strict),
    .target(
      name: "Agents",
      dependencies: [
        "CLinux", "ControlAPI", "KubeAPI", "KubeObjects", "KubeStreams", "Relay", "TunnelProtocol", "Workloads",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .target(
      name: "Workloads", dependencies: ["ControlAPI", "KubeAPI", "KubeObjects"], swiftSettings: strict),

    // The dev loop: from a team's files to a running Pod.
    .target(
      name: "DevLoop",
      dependencies: [
        "CLinux", "Deploy", "Exchanges", "Images", "KubeAPI", "KubeObjects", "Manifests", "Replay", "Skaffold",
        "Watching",
      ], swiftSettings: strict),
    .target(
      name: "Deploy", dependencies: ["Inputs", "KubeAPI", "KubeObjects", "KubeStreams", "Manifests", "Skaffold"],
      swiftSettings: strict),
    .target(
      name: "Images",
      dependencies: [
        "Inputs", "KubeAPI", "KubeObjects", "Manifests", "Skaffold", "Watching",
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: strict),
    .target(name: "Watching", dependencies: ["CInotifyTools", "CLinux", "Inputs", "Threads"], swiftSettings: strict),
    .target(
      name: "Skaffold",
      dependencies: ["Inputs", "Manifests", .product(name: "Subprocess", package: "swift-subprocess")],
      swiftSettings: strict),
    .target(
      name: "Manifests", dependencies: ["Inputs", "KubeObjects"], swiftSettings: strict),
    .target(name: "Inputs", dependencies: ["CLibYAML"], swiftSettings: strict),

    // Requests that were seen.
    .target(
      name: "Replay", dependencies: ["Exchanges", "HTTPMessages", "KubeAPI", "KubeObjects"], swiftSettings: strict),
    .target(name: "Exchanges", dependencies: ["HTTPMessages", "KubeObjects"], swiftSettings: strict),

    // The cluster's API.
    .target(name: "Bastion", dependencies: ["CLinux", "CSSH2", "KubeAPI", "Threads"], swiftSettings: strict),
    .target(
      name: "KubeStreams", dependencies: ["CLinux", "KubeAPI", "KubeObjects", "Relay", "TunnelProtocol"],
      swiftSettings: strict),
    .target(
      name: "KubeAPI",
      dependencies: [
        "CCurl", "Inputs", "KubeObjects", "Threads", .product(name: "Logging", package: "swift-log"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ], swiftSettings: strict),
    .target(name: "KubeObjects", swiftSettings: strict),

    // The ways from the host into the cluster, on the relay's thread.
    .target(name: "Outbound", dependencies: ["CLinux", "Relay", "TunnelProtocol"], swiftSettings: strict),

    // The data path: these four are also compiled, as Embedded Swift, into the agent (see
    // Sources/Agent/build-agent.sh).
    .target(
      name: "Agent", dependencies: ["CLinux", "HTTPMessages", "Relay", "TunnelProtocol"], exclude: ["build-agent.sh"],
      swiftSettings: strict),
    .target(name: "HTTPMessages", swiftSettings: checked),
    .target(name: "Relay", dependencies: ["CLinux", "TunnelProtocol"], swiftSettings: strict),
    .target(name: "TunnelProtocol", swiftSettings: checked),

    // The shell: a namespace whose network is the tunnel.
    .target(
      name: "ShellHelper", dependencies: ["CLinux", "CShell", "ShellChannel", "TerminalText"], swiftSettings: strict),
    .target(name: "ShellChannel", dependencies: ["CLinux", "CShell"], swiftSettings: strict),

    // The lab: a pocket cluster, and no part of the programs that users install.
    .target(
      name: "LabCommands",
      dependencies: [
        "Agents", "Commands", "ControlAPI", "KubeAPI", "KubeObjects", "LabAPI", "LabNode", "LabStore", "Workloads",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ], swiftSettings: strict),
    .target(
      name: "LabAPI",
      dependencies: [
        "Inputs", "KubeObjects", "LabStore", .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOWebSocket", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "Subprocess", package: "swift-subprocess"), "CZlib",
      ], swiftSettings: strict),
    .target(
      name: "LabNode",
      dependencies: [
        "CLinux", "KubeObjects", "LabStore", .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ], swiftSettings: strict),
    .target(name: "LabStore", dependencies: ["KubeObjects"], swiftSettings: strict),

    // Threads that may block.
    .target(name: "TerminalText", swiftSettings: checked),
    .target(name: "Threads", dependencies: ["CLinux"], swiftSettings: strict),

    // C, and only C.
    .target(name: "CLinux"),
    .target(name: "CShell"),
    .target(name: "CControl"),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CInotifyTools", providers: [.apt(["libinotifytools0-dev"])]),
    .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CSSH2", pkgConfig: "libssh2", providers: [.apt(["libssh2-1-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    .testTarget(name: "KubeObjectsTests", dependencies: ["KubeObjects"], swiftSettings: strict),
    .testTarget(
      name: "KubeAPITests",
      dependencies: [
        "CLinux", "HTTPTestSupport", "KubeAPI", "KubeObjects", "TestSupport",
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "BastionTests", dependencies: ["Bastion", "CLinux", "KubeAPI", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "KubeStreamsTests", dependencies: ["CZlib", "KubeAPI", "KubeStreams"], swiftSettings: strict),
    .testTarget(name: "TunnelProtocolTests", dependencies: ["TestSupport", "TunnelProtocol"], swiftSettings: strict),
    .testTarget(name: "ExchangesTests", dependencies: ["Exchanges", "KubeObjects"], swiftSettings: strict),
    .testTarget(
      name: "ReplayTests", dependencies: ["Exchanges", "HTTPMessages", "KubeObjects", "Replay"], swiftSettings: strict),
    .testTarget(
      name: "HTTPMessagesTests",
      dependencies: [
        "HTTPMessages", .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"), .product(name: "NIOHPACK", package: "swift-nio-http2"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
      ], swiftSettings: checked),
    .target(name: "TestSupport", dependencies: ["CLinux", "Relay"], path: "Tests/TestSupport", swiftSettings: strict),
    .target(
      name: "HTTPTestSupport", dependencies: ["KubeAPI", "KubeObjects", "TestSupport"], path: "Tests/HTTPTestSupport",
      swiftSettings: strict),
    .testTarget(
      name: "RelayTests", dependencies: ["CLinux", "Relay", "TestSupport", "TunnelProtocol"],
      exclude: ["Interop/yamux_peer.py"], swiftSettings: strict),
    .testTarget(
      name: "AgentTests", dependencies: ["Agent", "CLinux", "Relay", "TestSupport", "TunnelProtocol"],
      exclude: [
        "Interop/grpc_home.py", "Interop/grpc_split.py", "Interop/leaving_clients.py", "Interop/split_clients.py",
        "Interop/split_faults.py", "Interop/split_node.js",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "OutboundTests", dependencies: ["CLinux", "Outbound", "Relay", "TestSupport", "TunnelProtocol"],
      swiftSettings: strict),
    .testTarget(
      name: "AgentsTests",
      dependencies: [
        "Agents", "CLinux", "ControlAPI", "HTTPTestSupport", "KubeAPI", "KubeObjects", "Relay", "TestSupport",
        "TunnelProtocol", "Workloads",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .testTarget(
      name: "WorkloadsTests", dependencies: ["ControlAPI", "HTTPTestSupport", "KubeAPI", "KubeObjects", "Workloads"],
      swiftSettings: strict),
    .testTarget(
      name: "DaemonTests",
      dependencies: ["CControl", "ControlAPI", "Daemon", .product(name: "Logging", package: "swift-log")],
      swiftSettings: strict),
    .testTarget(
      name: "CommandsTests",
      dependencies: [
        "CControl", "Commands", "ControlAPI", "DevLoop", "KubeObjects", "Skaffold",
        "TerminalText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "DevtunnelBenchTests",
      dependencies: ["CLinux", "DevtunnelBench", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: strict),
    .testTarget(
      name: "InterceptTests",
      dependencies: [
        "Agents", "ControlAPI", "Intercept", "InterceptMachine", "KubeAPI", "KubeObjects", "Relay", "TestSupport",
        "TunnelProtocol", "Workloads",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .testTarget(name: "ExplainTests", dependencies: ["ControlAPI", "Explain", "KubeObjects"], swiftSettings: strict),
    .testTarget(name: "InterceptMachineTests", dependencies: ["InterceptMachine"], swiftSettings: strict),
    .target(name: "Simulation", dependencies: ["InterceptMachine"], path: "Tests/Simulation", swiftSettings: fast),
    .executableTarget(
      name: "devtunnel-simulate", dependencies: ["Simulation"], path: "Tests/Simulate", swiftSettings: strict),
    .testTarget(
      name: "SimulationTests", dependencies: ["InterceptMachine", "Simulation"], swiftSettings: strict),
    .testTarget(
      name: "ImagesTests", dependencies: ["Images", "Inputs", "KubeObjects", "Manifests", "Skaffold"],
      swiftSettings: strict),
    .testTarget(
      name: "OperationsTests",
      dependencies: [
        "Agents", "ControlAPI", "Exchanges", "Intercept", "InterceptMachine", "KubeAPI", "KubeObjects", "LabAPI",
        "LabStore", "Operations", "TestSupport", "TunnelProtocol", "Workloads",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .testTarget(
      name: "DeployTests",
      dependencies: ["Deploy", "HTTPTestSupport", "KubeAPI", "KubeObjects", "Manifests", "Skaffold"],
      swiftSettings: strict),
    .testTarget(name: "ManifestsTests", dependencies: ["KubeObjects", "Manifests"], swiftSettings: strict),
    .testTarget(
      name: "SkaffoldTests", dependencies: ["Inputs", "KubeObjects", "Manifests", "Skaffold"], swiftSettings: strict),
    .testTarget(
      name: "ForwardTests",
      dependencies: [
        "Agents", "CLinux", "ControlAPI", "Forward", "HTTPMessages", "KubeObjects", "Relay", "TestSupport",
        "TunnelProtocol",
      ], swiftSettings: strict),
    .testTarget(
      name: "DevLoopTests",
      dependencies: [
        "Deploy", "DevLoop", "Exchanges", "Images", "KubeAPI", "KubeObjects", "Manifests", "Replay", "Skaffold",
        "TestSupport", "Watching",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "FuzzTests",
      dependencies: [
        "Agent", "Bastion", "CLinux", "ControlAPI", "Exchanges", "HTTPMessages", "Inputs", "KubeAPI", "KubeObjects",
        "KubeStreams", "Manifests", "Outbound", "Relay", "Replay", "ShellChannel", "ShellHelper", "Skaffold",
        "TunnelProtocol", "Watching",
      ], path: "Tests/Fuzz", exclude: ["Corpus", "Driver"], swiftSettings: strict),
    .testTarget(name: "ModulesTests", swiftSettings: strict),
    .testTarget(name: "ThreadsTests", dependencies: ["CLinux", "Threads"], swiftSettings: strict),
    .testTarget(name: "WatchingTests", dependencies: ["Watching"], swiftSettings: strict),
    .testTarget(name: "InputsTests", dependencies: ["Inputs"], swiftSettings: strict),
    .testTarget(
      name: "ShellTests",
      dependencies: [
        "Agents", "CLinux", "ControlAPI", "KubeAPI", "KubeObjects", "Outbound", "Shell", "TunnelProtocol", "Workloads",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .testTarget(name: "ShellChannelTests", dependencies: ["CLinux", "CShell", "ShellChannel"], swiftSettings: strict),
    .testTarget(
      name: "ShellHelperTests", dependencies: ["CLinux", "CShell", "ShellChannel", "ShellHelper"], swiftSettings: strict
    ),
    .testTarget(
      name: "LabCommandsTests",
      dependencies: [
        "ControlAPI", "LabCommands", "LabNode", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),
    .testTarget(
      name: "LabAPITests",
      dependencies: [
        "KubeObjects", "LabAPI", "LabStore", .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOWebSocket", package: "swift-nio"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ], swiftSettings: strict),
    .testTarget(
      name: "LabNodeTests",
      dependencies: ["CLinux", "KubeObjects", "LabNode", "LabStore", .product(name: "Logging", package: "swift-log")],
      swiftSettings: strict),
    .testTarget(
      name: "LabTests",
      dependencies: [
        "CLinux", "ControlAPI", "Deploy", "DevLoop", "Exchanges", "HTTPMessages", "KubeAPI", "KubeObjects", "LabAPI",
        "LabNode",
        "LabStore",
        "Manifests", "Operations", "Replay",
        "TestSupport", .product(name: "Logging", package: "swift-log"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ], swiftSettings: strict),
  ]
)

// `./install.sh fuzz` builds the harnesses as a program around libFuzzer, in place of the test target that replays
// their inputs.
if Context.environment["DEVTUNNEL_FUZZ"] != nil {
  let fuzzer = "devtunnel-fuzz"
  // Each input costs a look at every counter of the program, so that only parsers have them.
  let parsers: Set = [
    "Agent", "Bastion", "Exchanges", "HTTPMessages", "Inputs", "KubeAPI", "KubeObjects", "KubeStreams", "Manifests",
    "Outbound", "Replay", "ShellChannel", "ShellHelper", "Skaffold", "TunnelProtocol", "Watching",
  ]
  // Of binary formats libFuzzer also learns the numbers that the code compares with. Parsers of text compare byte by
  // byte, and a quarter of their time would go there; their harnesses have words.
  let binary: Set = ["Agent", "HTTPMessages", "KubeStreams", "Outbound", "ShellChannel", "TunnelProtocol"]
  for target in package.targets where parsers.contains(target.name) {
    let coverage = "edge,inline-8bit-counters,pc-table" + (binary.contains(target.name) ? ",trace-cmp" : "")
    target.swiftSettings = strict + [.unsafeFlags(["-sanitize-coverage=\(coverage)"])]
  }
  let tests = package.targets.first { $0.name == "FuzzTests" }
  package.targets.removeAll { $0.type == .test }
  package.targets.append(
    .executableTarget(
      name: fuzzer, dependencies: tests?.dependencies ?? [], path: "Tests/Fuzz", exclude: ["Corpus", "Replay"],
      swiftSettings: strict))
  package.products.append(.executable(name: fuzzer, targets: [fuzzer]))
}
