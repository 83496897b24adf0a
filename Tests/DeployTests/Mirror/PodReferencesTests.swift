import KubeObjects
import Manifests
import Testing

@testable import Deploy

struct PodReferencesTests {
  private let deployment: JSONValue = [
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "user"],
    "spec": [
      "template": [
        "spec": [
          "imagePullSecrets": [["name": "pull"]],
          "initContainers": [["env": [["valueFrom": ["secretKeyRef": ["name": "init", "key": "k"]]]]]],
          "containers": [
            [
              "envFrom": [["configMapRef": ["name": "settings"]], ["secretRef": ["name": "maybe", "optional": true]]],
              "env": [["valueFrom": ["configMapKeyRef": ["name": "own", "key": "k"]]]],
            ]
          ],
          "volumes": [
            ["secret": ["secretName": "tls"]], ["configMap": ["name": "files"]],
            [
              "projected": [
                "sources": [
                  ["secret": ["name": "part"]], ["serviceAccountToken": [:]],
                  ["configMap": ["name": "kube-root-ca.crt"]],
                ]
              ]
            ],
          ],
        ]
      ]
    ],
  ]

  @Test(
    "Env, envFrom, volumes, projected sources and pull secrets; nothing optional, in the manifests or every namespace's"
  )
  func references() {
    let own: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "own"]]
    let found = RemoteMirror.references(in: [Manifest(deployment), Manifest(own)], namespace: "shop")
    #expect(
      found.map { "\($0.id)" } == [
        "Secret shop/init", "ConfigMap shop/settings", "Secret shop/tls", "ConfigMap shop/files", "Secret shop/part",
        "Secret shop/pull",
      ])
    #expect(found[1].usedBy == "Deployment user, spec.template.spec.containers[0].envFrom[0].configMapRef")
  }
}
