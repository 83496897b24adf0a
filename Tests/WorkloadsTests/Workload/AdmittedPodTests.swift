import KubeObjects
import Testing

@testable import Workloads

struct AdmittedPodTests {
  /// The Pod template of StatefulSet `store`.
  private let declared: JSONValue = [
    "metadata": ["labels": ["app": "store"], "annotations": ["team": "a"]],
    "spec": [
      "serviceAccountName": "store",
      "containers": [
        [
          "name": "store", "image": "registry.example/store:1",
          "volumeMounts": [["name": "data", "mountPath": "/data"]],
        ]
      ],
      "volumes": [["name": "scratch", "emptyDir": [:]]],
    ],
  ]

  /// A Pod of it, with what a cluster adds.
  private let pod: JSONValue = [
    "metadata": [
      "name": "store-1", "namespace": "shop", "uid": "u1",
      "labels": [
        "app": "store", "controller-revision-hash": "store-77", "statefulset.kubernetes.io/pod-name": "store-1",
        "apps.kubernetes.io/pod-index": "1", "topology.kubernetes.io/zone": "a", "injected.example/label": "yes",
      ],
      "annotations": [
        "team": "a", "cni.projectcalico.org/podIP": "10.0.0.7/32", "injector.example/status": "injected",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
      ],
    ],
    "spec": [
      "nodeName": "node-1", "hostname": "store-1", "subdomain": "store-pods", "priority": 0,
      "serviceAccountName": "store", "serviceAccount": "store",
      "tolerations": [
        ["key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300],
        ["key": "team", "operator": "Exists"],
      ],
      "affinity": [
        "nodeAffinity": [
          "requiredDuringSchedulingIgnoredDuringExecution": [
            "nodeSelectorTerms": [
              ["matchFields": [["key": "metadata.name", "operator": "In", "values": ["node-1"]]]]
            ]
          ]
        ]
      ],
      "containers": [
        [
          "name": "store", "image": "registry.example/store:1",
          "env": [
            [
              "name": "INDEX",
              "valueFrom": ["fieldRef": ["fieldPath": "metadata.labels['apps.kubernetes.io/pod-index']"]],
            ],
            ["name": "APP", "valueFrom": ["fieldRef": ["fieldPath": "metadata.labels['app']"]]],
            ["name": "POD", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]],
            ["name": "CPUS", "valueFrom": ["resourceFieldRef": ["resource": "limits.cpu", "divisor": "1"]]],
            ["name": "ROLE_ARN", "value": "injected"],
          ],
          "resources": ["limits": ["cpu": "1500m"]],
          "volumeMounts": [
            ["name": "data", "mountPath": "/data"], ["name": "identity", "mountPath": "/var/run/identity"],
            ["name": "filled", "mountPath": "/secrets"],
            ["name": "kube-api-access-abcde", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"],
          ],
        ],
        ["name": "proxy", "image": "registry.example/proxy:1"],
      ],
      "initContainers": [["name": "fill", "image": "registry.example/fill:1"]],
      "volumes": [
        ["name": "data", "persistentVolumeClaim": ["claimName": "data-store-1"]],
        ["name": "identity", "projected": ["sources": []]], ["name": "filled", "emptyDir": [:]],
        ["name": "scratch", "emptyDir": [:]], ["name": "kube-api-access-abcde", "projected": ["sources": []]],
      ],
    ],
    "status": ["phase": "Running"],
  ]

  private func container(_ template: JSONValue) -> JSONValue { template.ordinaryContainers.first ?? [:] }

  // MARK: The template

  @Test("Labels and annotations of this Pod alone go; those that a webhook added as labels stay")
  func metadata() {
    let template = AdmittedPod(pod: pod, declared: declared).template
    #expect(template.labels == ["app": "store", "injected.example/label": "yes"])
    #expect(template.annotations == ["team": "a"])
    let bare = AdmittedPod(pod: pod).template
    #expect(bare.annotations == ["team": "a", "injector.example/status": "injected"])
    #expect(template.name == nil && template["status"] == nil)
  }

  @Test("A label that the Service selects by, or that the template names, stays")
  func neededLabels() {
    let needed = AdmittedPod(
      pod: pod, declared: declared, neededLabels: ["app", "statefulset.kubernetes.io/pod-name"]
    ).template
    #expect(needed.labels["statefulset.kubernetes.io/pod-name"] == "store-1")
    var job = pod
    job.labels = ["app": "store", "job-name": "x", "controller-uid": "u", "batch.kubernetes.io/job-name": "x"]
    #expect(AdmittedPod(pod: job, declared: ["metadata": job["metadata"] ?? [:]]).template.labels == ["app": "store"])
    var own = declared
    own.labels["topology.kubernetes.io/zone"] = "a"
    #expect(AdmittedPod(pod: pod, declared: own).template.labels["topology.kubernetes.io/zone"] == "a")
  }

  @Test("Node, name, token and scheduling of the Pod go")
  func spec() {
    let template = AdmittedPod(pod: pod, declared: declared).template
    for field in ["nodeName", "hostname", "subdomain", "priority", "serviceAccount", "affinity", "tolerations"] {
      #expect(template[path: "spec", field] == nil, "\(field)")
    }
    #expect(template[path: "spec", "serviceAccountName"] == "store")
    let bare = AdmittedPod(pod: pod).template
    #expect(bare[path: "spec", "affinity"] == nil)
    #expect(bare[path: "spec", "tolerations"] == [["key": "team", "operator": "Exists"]])
  }

  @Test("Injected variables and volumes stay; injected containers go, and the folders that they fill")
  func injected() {
    let template = AdmittedPod(pod: pod, declared: declared).template
    #expect(template.runningContainers.compactMap(\.entryName) == ["store"])
    #expect(template[path: "spec", "initContainers"] == [])
    #expect(
      container(template)["volumeMounts"]?.elements.compactMap { $0["mountPath"]?.stringValue } == [
        "/data", "/var/run/identity",
      ])
    #expect(template[path: "spec", "volumes"]?.elements.compactMap(\.entryName) == ["data", "identity", "scratch"])
    #expect(container(template)["env"]?.elements.contains(["name": "ROLE_ARN", "value": "injected"]) == true)
  }

  @Test("Without the owner's template every container and volume stays, but the token")
  func unknownOwner() {
    let template = AdmittedPod(pod: pod).template
    #expect(template.runningContainers.compactMap(\.entryName) == ["store", "proxy"])
    #expect(
      template[path: "spec", "volumes"]?.elements.compactMap(\.entryName) == ["data", "identity", "filled", "scratch"])
  }

  @Test("A variable about a label that goes, or about resources, keeps its value; others are the agent's own")
  func variables() {
    let variables = container(AdmittedPod(pod: pod, declared: declared).template)["env"]?.elements ?? []
    #expect(variables[0] == ["name": "INDEX", "value": "1"])
    #expect(variables[1]["valueFrom"] != nil)
    #expect(variables[2]["valueFrom"] != nil)
    #expect(variables[3] == ["name": "CPUS", "value": "2"])
    var dollar = pod
    dollar.labels["apps.kubernetes.io/pod-index"] = "$(HOME)"
    let value = container(AdmittedPod(pod: dollar, declared: declared).template)["env"]?[0]?["value"]?.stringValue ?? ""
    #expect(VariableExpansion.expand(value, ["HOME": "/root"], limit: 100) == "$(HOME)")
  }

  @Test(
    "A folder named after the Pod, in a volume that outlives it, is this Pod's",
    arguments: [
      (["hostPath": ["path": "/logs"]], "$(NS)_$(POD)", "$(NS)_store-1"),
      (["hostPath": ["path": "/logs"]], "$(DIR)", "x/store-1"), (["hostPath": ["path": "/logs"]], "$(NS)", "$(NS)"),
      (["emptyDir": [:]], "$(POD)", "$(POD)"), (["hostPath": ["path": "/logs"]], "$$(POD)", "$$(POD)"),
      (["hostPath": ["path": "/logs"]], "$(MIXED)", "$(MIXED)"),
    ] as [(JSONValue, String, String)])
  func subPath(volume: JSONValue, expression: String, expected: String) {
    var volume = volume
    volume["name"] = "logs"
    let pod: JSONValue = [
      "metadata": ["name": "store-1"],
      "spec": [
        "containers": [
          [
            "name": "store",
            "env": [
              ["name": "NS", "valueFrom": ["fieldRef": ["fieldPath": "metadata.namespace"]]],
              ["name": "POD", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]],
              ["name": "DIR", "value": "x/$(POD)"], ["name": "MIXED", "value": "$(FROM_CONFIG)/$(POD)"],
            ],
            "volumeMounts": [["name": "logs", "mountPath": "/logs", "subPathExpr": JSONValue(expression)]],
          ]
        ], "volumes": [volume],
      ],
    ]
    #expect(
      container(AdmittedPod(pod: pod).template)["volumeMounts"]?[0]?["subPathExpr"]?.stringValue == expected)
  }

  // MARK: The choice

  private func candidate(
    _ name: String, phase: String = "Running", ready: Bool = true, hash: String = "new", created: String = "2026-01-01"
  ) -> JSONValue {
    [
      "metadata": [
        "name": JSONValue(name), "creationTimestamp": JSONValue(created),
        "labels": ["pod-template-hash": JSONValue(hash)],
      ],
      "status": [
        "phase": JSONValue(phase), "conditions": [["type": "Ready", "status": ready ? "True" : "False"]],
      ],
    ]
  }

  @Test("A running Pod of the present revision, ready if possible; the oldest, or the newest if no revision is known")
  func choice() {
    func picked(_ pods: JSONValue...) -> String? {
      AdmittedPod.pick(pods, revision: ("pod-template-hash", "new"))?.name
    }
    #expect(picked() == nil)
    #expect(picked(candidate("a", hash: "old"), candidate("b")) == "b")
    #expect(picked(candidate("a", hash: "old"), candidate("b", ready: false)) == "b")
    #expect(picked(candidate("a", hash: "old"), candidate("b", phase: "Pending", ready: false)) == "a")
    #expect(picked(candidate("a", ready: false), candidate("b")) == "b")
    let (late, early) = (candidate("a", created: "2026-02-02"), candidate("b", created: "2026-01-31"))
    #expect(picked(late, early) == "b" && picked(early, late) == "b")
    #expect(AdmittedPod.pick([late, early], revision: nil)?.name == "a")
    #expect(picked(candidate("a"), candidate("b")) == "a")
  }
}
