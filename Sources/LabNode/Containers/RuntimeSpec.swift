import KubeObjects

/// A container as runc reads it: `config.json` of the OCI runtime specification 1.0.2.
struct RuntimeSpec: Sendable {
  struct Mount: Sendable, Equatable {
    var source: String
    var destination: String
    var isReadOnly: Bool
    /// The descriptor that `source` names, held until the entry has a path of the node's own.
    var opened: HeldEntry?
  }

  var arguments: [String]
  var environment: [(name: String, value: String)]
  var workingDirectory: String
  var user: ContainerUser
  var hostname: String
  var rootFileSystem: String
  var networkNamespace: String
  var mounts: [Mount]
  /// The container's `securityContext` and `resources` decide the rest.
  var container: JSONValue
  /// Nil if the machine does not allow cgroups.
  var cgroup: String?
  var openFilesLimit: UInt64

  /// containerd's defaults.
  static let defaultCapabilities = [
    "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
    "NET_BIND_SERVICE", "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
  ]

  func json() -> JSONValue {
    let security = container["securityContext"] ?? [:]
    let capabilities = JSONValue(
      Self.capabilities(security["capabilities"], limitsDevices: cgroup != nil).map { .string("CAP_" + $0) })
    let limit = JSONValue(Int(openFilesLimit))
    var process: JSONValue = [
      "terminal": false, "args": JSONValue(arguments.map { .string($0) }),
      "env": JSONValue(environment.map { .string("\($0.name)=\($0.value)") }), "cwd": .string(workingDirectory),
      "user": [
        "uid": JSONValue(Int(user.uid)), "gid": JSONValue(Int(user.gid)),
        "additionalGids": JSONValue(user.groups.map { JSONValue(Int($0)) }),
      ],
      "capabilities": ["bounding": capabilities, "effective": capabilities, "permitted": capabilities],
      "rlimits": [["type": "RLIMIT_NOFILE", "hard": limit, "soft": limit]],
    ]
    process["noNewPrivileges"] = JSONValue(security["allowPrivilegeEscalation"]?.boolValue == false)
    return [
      "ociVersion": "1.0.2", "process": process, "hostname": .string(hostname),
      "root": [
        "path": .string(rootFileSystem), "readonly": JSONValue(security["readOnlyRootFilesystem"]?.boolValue ?? false),
      ],
      "mounts": JSONValue(Self.systemMounts + mounts.map(Self.bind)), "linux": linux,
    ]
  }

  private var linux: JSONValue {
    var linux: JSONValue = [
      "namespaces": [
        ["type": "pid"], ["type": "mount"], ["type": "uts"], ["type": "ipc"],
        ["type": "network", "path": .string(networkNamespace)],
      ],
      "maskedPaths": [
        "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats",
        "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
      ],
      "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    ]
    guard let cgroup else { return linux }
    linux["cgroupsPath"] = .string(cgroup)
    // runc adds the devices that every container has.
    linux[path: "resources", "devices"] = [["allow": false, "access": "rwm"]]
    let limits = container[path: "resources", "limits"]
    if let memory = limits?["memory"].flatMap(ResourceReference.quantity) {
      linux[path: "resources", "memory", "limit"] = JSONValue(max(0, Int(saturating: memory.value)))
    }
    if let cpu = limits?["cpu"].flatMap(ResourceReference.quantity) {
      linux[path: "resources", "cpu", "period"] = 100_000
      linux[path: "resources", "cpu", "quota"] = JSONValue(max(1000, Int(saturating: cpu.value * 100_000)))
    }
    return linux
  }

  /// - Parameter limitsDevices: whether a cgroup keeps the container from opening devices; without one, nothing but the
  ///   missing capability keeps it from making a device file for this machine's disks.
  static func capabilities(_ changes: JSONValue?, limitsDevices: Bool = true) -> [String] {
    func names(_ key: String) -> [String] {
      (changes?[key]?.elements ?? []).compactMap(\.stringValue).map { $0.uppercased() }.map {
        $0.hasPrefix("CAP_") ? String($0.dropFirst(4)) : $0
      }
    }
    let (added, dropped) = (names("add"), names("drop"))
    let kept =
      dropped.contains("ALL")
      ? [] : defaultCapabilities.filter { !dropped.contains($0) && (limitsDevices || $0 != "MKNOD") }
    return kept + added.filter { $0 != "ALL" && !kept.contains($0) }
  }

  private static func bind(_ mount: Mount) -> JSONValue {
    [
      "destination": .string(mount.destination), "type": "bind", "source": .string(mount.source),
      "options": ["rbind", "rprivate", .string(mount.isReadOnly ? "ro" : "rw")],
    ]
  }

  private static let systemMounts: [JSONValue] = [
    ["destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]],
    [
      "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
      "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
    ],
    [
      "destination": "/dev/pts", "type": "devpts", "source": "devpts",
      "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
    ],
    [
      "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
      "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
    ],
    ["destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]],
    ["destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]],
  ]
}
