import KubeObjects
import Testing

@testable import LabNode

struct RuntimeSpecTests {
  private func spec(_ container: JSONValue, cgroup: String? = nil) throws -> JSONValue {
    RuntimeSpec(
      arguments: ["sh"], environment: [("A", "b=c")], workingDirectory: "/w",
      user: try ContainerUser(pod: [:], container: container, imageUser: "", rootFileSystem: "/nonexistent"),
      hostname: "web", rootFileSystem: "/r",
      networkNamespace: "/n", mounts: [.init(source: "/s", destination: "/d", isReadOnly: true)], container: container,
      cgroup: cgroup,
      openFilesLimit: 20000
    ).json()
  }

  @Test func restrictedContainer() throws {
    let json = try spec([
      "securityContext": [
        "runAsUser": 1000, "runAsNonRoot": true, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
        "capabilities": ["drop": ["ALL"], "add": ["NET_BIND_SERVICE"]], "seccompProfile": ["type": "RuntimeDefault"],
      ]
    ])
    #expect(json[path: "process", "user", "uid"] == 1000)
    #expect(json[path: "process", "noNewPrivileges"] == true)
    #expect(json[path: "process", "capabilities", "effective"] == ["CAP_NET_BIND_SERVICE"])
    #expect(json[path: "root", "readonly"] == true)
    #expect(json[path: "process", "env"] == ["A=b=c"])
    #expect(json[path: "process", "rlimits"]?[0]?["hard"] == 20000)
    #expect(
      json["mounts"]?.elements.last == [
        "destination": "/d", "type": "bind", "source": "/s", "options": ["rbind", "rprivate", "ro"],
      ])
    // A lab's root lacks CAP_SYS_RESOURCE.
    #expect(json[path: "process", "oomScoreAdj"] == nil)
    #expect(json[path: "linux", "cgroupsPath"] == nil && json[path: "linux", "resources"] == nil)
  }

  @Test func limitsAreCgroupSettings() throws {
    let json = try spec(["resources": ["limits": ["memory": "32Mi", "cpu": "250m"]]], cgroup: "/lab/x")
    #expect(json[path: "linux", "resources", "memory", "limit"] == 33_554_432)
    #expect(json[path: "linux", "resources", "cpu", "quota"] == 25000)
    #expect(json[path: "process", "noNewPrivileges"] == false)
    #expect(json[path: "process", "capabilities", "bounding"]?.elements.count == RuntimeSpec.defaultCapabilities.count)
  }

  @Test func rootIsRefusedWhereForbidden() {
    #expect(throws: LabNodeError(.containerConfig, "container has runAsNonRoot and image will run as root")) {
      try spec(["securityContext": ["runAsNonRoot": true]])
    }
  }

  @Test func commandsAndArguments() throws {
    let image = Image(identifier: "i", entrypoint: ["/e"], command: ["c1", "c2"])
    func arguments(_ container: JSONValue) throws -> [String] {
      try ContainerStarter.arguments(container, image, ["V": "1"])
    }
    #expect(try arguments([:]) == ["/e", "c1", "c2"])
    #expect(try arguments(["args": ["$(V)"]]) == ["/e", "1"])
    #expect(try arguments(["command": ["/x"]]) == ["/x"])
    #expect(try arguments(["command": ["/x"], "args": ["y"]]) == ["/x", "y"])
    #expect(throws: LabNodeError.self) { try ContainerStarter.arguments([:], Image(identifier: "i"), [:]) }
  }

  @Test func resolverFiles() {
    func files(_ spec: JSONValue) -> HostFiles {
      HostFiles(pod: ContainerEnvironmentTests.pod(spec), clusterDNS: "10.98.0.10", clusterDomain: "cluster.local")
    }
    #expect(
      files([:]).resolvConf
        == "nameserver 10.98.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n")
    #expect(files(["dnsPolicy": "Default"]).resolvConf == "nameserver 10.97.0.1\n")
    #expect(
      files(["dnsConfig": ["searches": ["x"], "options": [["name": "ndots", "value": "2"], ["name": "edns0"]]]])
        .resolvConf.hasSuffix(
          "cluster.local x\noptions ndots:2 edns0\n"))
    #expect(
      files(["dnsPolicy": "None", "dnsConfig": ["nameservers": ["192.0.2.1"]]]).resolvConf == "nameserver 192.0.2.1\n")
    #expect(
      files(["hostname": "h", "subdomain": "s", "hostAliases": [["ip": "192.0.2.1", "hostnames": ["a", "b"]]]]).hosts
        .hasSuffix(
          "10.97.0.5\th.s.shop.svc.cluster.local\th\n192.0.2.1\ta\tb\n"))
  }
}
