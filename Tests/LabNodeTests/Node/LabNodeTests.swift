import CLinux
import Glibc
import KubeObjects
import LabStore
import Logging
import Testing

@testable import LabNode

/// The node for real: needs root and the programs that it runs.
@Suite(
  .serialized,
  .enabled(if: NodeFixture.isPossible, "needs root, runc, buildah, nft, ip, nsenter, dig and busybox-static"))
struct LabNodeTests {
  @Test(.timeLimit(.minutes(2))) func podsServicesAndNames() async throws {
    try await NodeFixture.run { lab in
      // Two servers, each answering with its own name, that read their page from a ConfigMap.
      _ = try await lab.store.create(
        .configMaps,
        ["kind": "ConfigMap", "metadata": ["name": "page", "namespace": "shop"], "data": ["greeting": "hello"]])
      for name in ["web-0", "web-1"] { try await lab.create(Self.server(name)) }
      let addresses = [try await lab.ready("web-0"), try await lab.ready("web-1")]
      #expect(Set(addresses).count == 2)
      try await lab.create(Self.client())
      _ = try await lab.ready("client")

      // The Service balances, from a Pod, from the node, and from a Pod that is its own endpoint.
      try await lab.createService("web", clusterIP: "10.98.0.20", port: 80, targetPort: 8080, addresses: addresses)
      let answers = try await lab.eventually("the Service answers") {
        try await lab.exec(
          "client", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do timeout 2 wget -qO- http://web/name; done")
      }
      #expect(Set(answers.split(separator: "\n").map(String.init)) == ["web-0", "web-1"])
      let own = try await lab.exec(
        "web-0", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do timeout 2 wget -qO- http://web.shop/name; done")
      #expect(Set(own.split(separator: "\n").map(String.init)) == ["web-0", "web-1"])
      let node = try await lab.inNode("for i in 1 2 3; do timeout 2 busybox wget -qO- http://10.98.0.20/name; done")
      #expect(node.split(separator: "\n").count == 3)

      // Names: dig is the witness, over UDP and TCP.
      #expect(try await lab.dig("web.shop.svc.cluster.local") == "10.98.0.20")
      #expect(try await lab.dig("+tcp web.shop.svc.cluster.local") == "10.98.0.20")
      #expect(try await lab.dig("-x 10.98.0.20") == "web.shop.svc.cluster.local.")
      #expect(
        try await lab.dig("+bufsize=1232 _http._tcp.web.shop.svc.cluster.local SRV")
          == "0 100 80 web.shop.svc.cluster.local.")
      #expect(try await lab.inNode("dig @10.98.0.10 nothing.shop.svc.cluster.local").contains("NXDOMAIN"))
      #expect(try await lab.inNode("dig @10.98.0.10 web.shop.svc.cluster.local AAAA").contains("NOERROR"))
      #expect(try await lab.dig("example.com") == "192.0.2.7")
      #expect(try await lab.exec("client", "nslookup example.com").contains("192.0.2.7"))

      // No endpoints: refused at once, not left waiting. No way out either.
      try await lab.setEndpoints("web", targetPort: 8080, addresses: [])
      let refusal = try await lab.eventually("the Service without endpoints refuses") {
        try await lab.exec("client", "timeout 5 wget -qO- http://web/name 2>&1 || true")
      } until: {
        $0.contains("refused")
      }
      #expect(refusal.contains("refused"))
      #expect(
        try await lab.exec("client", "timeout 5 wget -qO- http://198.51.100.1/ 2>&1 || true").contains(
          "No route to host"))

      // A changed ConfigMap reaches the running containers.
      _ = try await lab.store.update(ObjectKey(.configMaps, namespace: "shop", name: "page")) {
        $0[path: "data", "greeting"] = "changed"
      }
      try await lab.eventually("the ConfigMap's change arrives") {
        try await lab.exec("client", "cat /config/greeting")
      } until: {
        $0 == "changed"
      }

      // Streams as the API server asks for them.
      let socket = try await lab.node.connect(namespace: "shop", pod: "web-0", port: 8080)
      close(socket)
      await #expect(throws: NodeStreamError.self) {
        try await lab.node.connect(namespace: "shop", pod: "web-0", port: 9)
      }
      #expect(try await lab.log("web-0").contains("serving as web-0 in shop, uid 1000"))

      // Deletion waits for the process's own end, and takes the Pod's object with it.
      _ = try await lab.store.delete(ObjectKey(.pods, namespace: "shop", name: "web-0"), grace: 5)
      try await lab.eventually("the Pod goes") {
        await lab.store.list(.pods, namespace: "shop").items.count
      } until: {
        $0 == 2
      }
    }
  }

  @Test(.timeLimit(.minutes(2))) func startsEndsAndFailures() async throws {
    try await NodeFixture.run { lab in
      let once: JSONValue = [
        "restartPolicy": "Never",
        "initContainers": [
          [
            "name": "first", "image": "lab/busybox:1", "command": ["sh", "-c", "echo made > /shared/file"],
            "volumeMounts": [["name": "shared", "mountPath": "/shared"]],
          ]
        ],
        "containers": [
          [
            "name": "main", "image": "lab/busybox:1",
            "command": ["sh", "-c", "cat /shared/file /one; id -u; echo > /new/x && exit 3"],
            // The node holds these by descriptors, and runc has to find them.
            "volumeMounts": [
              ["name": "shared", "mountPath": "/shared"], ["name": "shared", "mountPath": "/one", "subPath": "file"],
              ["name": "shared", "mountPath": "/new", "subPath": "a/b"],
            ],
          ]
        ],
        "volumes": [["name": "shared", "emptyDir": [:]]],
      ]
      try await lab.create(Self.pod("once", once))
      let missing: JSONValue = ["containers": [["name": "m", "image": "not/here:1"]]]
      try await lab.create(Self.pod("missing", missing))
      let crash: JSONValue = [
        "containers": [["name": "c", "image": "lab/busybox:1", "command": ["sh", "-c", "echo run; exit 7"]]]
      ]
      try await lab.create(Self.pod("crash", crash))
      let wrong: JSONValue = ["containers": [["name": "w", "image": "lab/busybox:1", "command": ["/no/such/program"]]]]
      try await lab.create(Self.pod("wrong", wrong))
      let sick: JSONValue = [
        "terminationGracePeriodSeconds": 1,
        "containers": [
          [
            "name": "s", "image": "lab/busybox:1", "command": ["sleep", "1000"],
            "livenessProbe": ["exec": ["command": ["false"]], "periodSeconds": 1, "failureThreshold": 1],
          ]
        ],
      ]
      try await lab.create(Self.pod("sick", sick))

      let ended = try await lab.eventually("the Pod fails") {
        try await lab.pod("once")
      } until: {
        $0[path: "status", "phase"] == "Failed"
      }
      #expect(ended[path: "status", "containerStatuses"]?[0]?[path: "state", "terminated", "exitCode"] == 3)
      #expect(try await lab.log("once") == "made\nmade\n0\n")
      let waiting = try await lab.eventually("the image is missed") {
        try await lab.pod("missing")
      } until: {
        $0[path: "status", "containerStatuses"]?[0]?[path: "state", "waiting", "reason"] == "ImagePullBackOff"
      }
      #expect(
        waiting[path: "status", "containerStatuses"]?[0]?[path: "state", "waiting", "message"]?.stringValue?.contains(
          "not/here:1") == true)
      let crashed = try await lab.eventually("the container crashes again") {
        try await lab.pod("crash")
      } until: {
        $0[path: "status", "containerStatuses"]?[0]?[path: "state", "waiting", "reason"] == "CrashLoopBackOff"
          && ($0[path: "status", "containerStatuses"]?[0]?["restartCount"]?.intValue ?? 0) >= 1
      }
      #expect(crashed[path: "status", "containerStatuses"]?[0]?[path: "lastState", "terminated", "exitCode"] == 7)
      #expect(try await lab.log("crash", LogOptions(previous: true)) == "run\n")
      try await lab.eventually("the wrong command is named") {
        try await lab.pod("wrong")
      } until: {
        $0[path: "status", "containerStatuses"]?[0]?[path: "lastState", "terminated", "message"]?.stringValue?.contains(
          "/no/such/program") == true
      }
      try await lab.eventually("liveness restarts") {
        try await lab.pod("sick")
      } until: {
        ($0[path: "status", "containerStatuses"]?[0]?["restartCount"]?.intValue ?? 0) >= 1
      }
      let events = await lab.store.list(.events, namespace: "shop").items
      for reason in ["Failed", "BackOff", "Unhealthy", "Killing", "Started"] {
        #expect(events.contains { $0["reason"]?.stringValue == reason }, "\(reason)")
      }
    }
  }

  /// The intercept relies on this: endpoints that change under load cost no request.
  @Test(.timeLimit(.minutes(1))) func endpointsChangeUnderLoad() async throws {
    try await NodeFixture.run { lab in
      _ = try await lab.store.create(
        .configMaps,
        ["kind": "ConfigMap", "metadata": ["name": "page", "namespace": "shop"], "data": ["greeting": "hello"]])
      for name in ["web-0", "web-1"] { try await lab.create(Self.server(name)) }
      let addresses = [try await lab.ready("web-0"), try await lab.ready("web-1")]
      try await lab.create(Self.client())
      _ = try await lab.ready("client")
      try await lab.createService("web", clusterIP: "10.98.0.20", port: 80, targetPort: 8080, addresses: [addresses[0]])
      try await lab.eventually("the Service answers") {
        try await lab.exec("client", "timeout 2 wget -qO- http://10.98.0.20/name")
      }
      async let load = lab.exec(
        "client",
        "i=0; while [ $i -lt 400 ]; do wget -qO- http://10.98.0.20/name || echo lost; i=$((i+1)); done | sort | uniq -c"
      )
      for flip in 1...20 {
        try await Task.sleep(for: .milliseconds(60))
        try await lab.setEndpoints("web", targetPort: 8080, addresses: [addresses[flip % 2]])
      }
      let counts = try await load
      #expect(counts.contains("web-0") && counts.contains("web-1") && !counts.contains("lost"), "\(counts)")
      try await lab.setEndpoints("web", targetPort: 8080, addresses: [addresses[1]])
      let began = ContinuousClock.now
      try await lab.eventually("the change arrives") {
        try await lab.inNode("nft list table ip devtunnel-lab")
      } until: {
        !$0.contains(addresses[0] + " .")
      }
      #expect(ContinuousClock.now - began < .seconds(10))
    }
  }

  /// A probe's command that ignores SIGTERM is killed, and does not keep its container from ending.
  @Test(.timeLimit(.minutes(1))) func stubbornProbe() async throws {
    try await NodeFixture.run { lab in
      let spec: JSONValue = [
        "terminationGracePeriodSeconds": 1,
        "containers": [
          [
            "name": "c", "image": "lab/busybox:1", "command": ["sleep", "1000"],
            "readinessProbe": [
              "exec": ["command": ["sh", "-c", "trap '' TERM; echo asked > /tmp/asked; while :; do sleep 1; done"]],
              "periodSeconds": 1,
            ],
          ]
        ],
      ]
      try await lab.create(Self.pod("stubborn", spec))
      try await lab.eventually("the probe times out") {
        await lab.store.list(.events, namespace: "shop").items
      } until: {
        $0.contains { $0["message"]?.stringValue?.contains("timed out after 1s") == true }
      }
      let began = ContinuousClock.now
      _ = try await lab.store.delete(ObjectKey(.pods, namespace: "shop", name: "stubborn"), grace: 1)
      try await lab.eventually("the Pod goes") {
        await lab.store.list(.pods, namespace: "shop").items.count
      } until: {
        $0 == 0
      }
      #expect(ContinuousClock.now - began < .seconds(30))
    }
  }

  /// `kill -9` of the lab's process: what it left is found by way of the state directory.
  @Test(.timeLimit(.minutes(1))) func cleanUpAfterARealKill() async throws {
    let directory = try TemporaryDirectory()
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = directory.path as String] in
      var configuration = LabNodeConfiguration(stateDirectory: path + "/state")
      configuration.labName = "devtunnel-lab-kill-test"
      let store = ObjectStore()
      let node = try LabNode(configuration: configuration, store: store, logger: Logger(label: "lab"))
      try await node.prepareSampleImages()
      let running = Task { try await node.run() }
      let lab = NodeFixture(node: node, store: store, directory: path + "/state")
      try await lab.create(
        Self.pod("left", ["containers": [["name": "c", "image": "lab/busybox:1", "command": ["sleep", "1000"]]]]))
      _ = try await lab.ready("left")
      try Files.write("", to: path + "/was-ready")
      kill(getpid(), SIGKILL)
      try await running.value
    }
    #expect(Files.exists(directory.path + "/was-ready"))
    let left = Leftovers(directory.path, "devtunnel-lab-kill-test")
    #expect(left.processes.count == 1 && left.mounts.count == 3 && !left.cgroups.isEmpty)
    try await LabNode.cleanUp(stateDirectory: directory.path + "/state")
    let after = Leftovers(directory.path, "devtunnel-lab-kill-test")
    #expect(after.processes.isEmpty && after.mounts.isEmpty && after.files.isEmpty && after.cgroups.isEmpty)
    #expect(!Files.exists(directory.path + "/state"))
  }

  /// A node that was killed leaves its containers behind; the next one, or `lab down`, finds them.
  @Test(.timeLimit(.minutes(1))) func cleanUpAfterAKill() async throws {
    let directory = try TemporaryDirectory()
    let directories = NodeDirectories(stateDirectory: directory.path + "/state")
    try NodeRecord(labName: "devtunnel-lab-test").write(directories)
    try NetworkNamespace(path: directories.nodeNamespace).create()
    let root = RootFileSystem(directory: directories.container("u", "c") + "/0")
    try Files.makeDirectory(directory.path + "/lower")
    try await root.make(from: directory.path + "/lower")
    #expect(MountTable.mounts(below: directories.state).count == 2)
    try await LabNode.cleanUp(stateDirectory: directories.state)
    #expect(MountTable.mounts(below: directories.state).isEmpty && !Files.exists(directories.state))
    // A directory that is not a node's stays.
    try await LabNode.cleanUp(stateDirectory: directory.path)
    #expect(Files.exists(directory.path + "/lower"))
  }

  private static func pod(_ name: String, _ spec: JSONValue) -> JSONValue {
    var spec = spec
    spec["nodeName"] = "lab"
    return [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["name": .string(name), "namespace": "shop", "labels": ["app": "web"]], "spec": spec,
    ]
  }

  private static func server(_ name: String) -> JSONValue {
    let script =
      """
      echo serving as $NAME in $SPACE, uid $(id -u); cp /config/* /tmp; echo $NAME > /tmp/name; \
      exec httpd -f -p 8080 -h /tmp
      """
    let spec: JSONValue = [
      "securityContext": ["sysctls": [["name": "net.ipv4.ip_unprivileged_port_start", "value": "0"]]],
      "containers": [
        [
          "name": "web", "image": "docker.io/lab/busybox:1", "command": ["sh", "-c", .string(script)],
          "ports": [["name": "http", "containerPort": 8080]],
          "securityContext": [
            "runAsUser": 1000, "runAsNonRoot": true, "allowPrivilegeEscalation": false,
            "capabilities": ["drop": ["ALL"]],
          ],
          "env": [
            ["name": "NAME", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]],
            ["name": "SPACE", "valueFrom": ["fieldRef": ["fieldPath": "metadata.namespace"]]],
          ],
          "readinessProbe": ["httpGet": ["path": "/greeting", "port": "http"], "periodSeconds": 1],
          "volumeMounts": [["name": "config", "mountPath": "/config"]],
        ]
      ],
      "volumes": [["name": "config", "configMap": ["name": "page"]]],
    ]
    return pod(name, spec)
  }

  private static func client() -> JSONValue {
    let spec: JSONValue = [
      "terminationGracePeriodSeconds": 0,
      "containers": [
        [
          "name": "client", "image": "lab/busybox:1", "command": ["sleep", "1000"],
          "volumeMounts": [["name": "config", "mountPath": "/config"]],
          "readinessProbe": ["exec": ["command": ["test", "-f", "/config/greeting"]], "periodSeconds": 1],
          "livenessProbe": ["tcpSocket": ["port": 1], "initialDelaySeconds": 600],
        ]
      ],
      "volumes": [["name": "config", "configMap": ["name": "page"]]],
    ]
    return pod("client", spec)
  }
}
