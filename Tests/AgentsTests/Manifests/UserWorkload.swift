import KubeObjects

/// The workload that the examples are about.
enum UserWorkload {
  static let labels = ["app": "user"]

  /// `spec.template` of Deployment `user`.
  static let template: JSONValue = [
    "metadata": [
      "labels": ["app": "user", "app.kubernetes.io/instance": "testbed"],
      "annotations": ["prometheus.io/scrape": "true", "kubectl.kubernetes.io/restartedAt": "2026-01-02T03:04:05Z"],
    ],
    "spec": [
      "serviceAccountName": "user", "restartPolicy": "Always", "terminationGracePeriodSeconds": 600,
      "securityContext": ["runAsNonRoot": true, "runAsUser": 1000],
      "initContainers": [["name": "migrate", "image": "registry.example/user:1.4"]],
      "containers": [
        [
          "name": "user", "image": "registry.example/user:1.4", "imagePullPolicy": "Always", "command": ["/user"],
          "args": ["--verbose"],
          "workingDir": "/data",
          "ports": [
            ["name": "grpc", "containerPort": 8080, "hostPort": 8080, "hostIP": "10.0.0.1"], ["containerPort": 9090],
          ],
          "env": [["name": "DB_HOST", "value": "db"]], "envFrom": [["configMapRef": ["name": "user"]]],
          "volumeMounts": [["name": "config", "mountPath": "/etc/user"]],
          "livenessProbe": ["grpc": ["port": 8080]], "readinessProbe": ["grpc": ["port": 8080]],
          "lifecycle": ["preStop": ["exec": ["command": ["sleep", "5"]]]],
          "resources": ["requests": ["cpu": "2", "memory": "4Gi"]],
          "securityContext": ["allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]]],
        ],
        [
          "name": "metrics", "image": "registry.example/metrics:2",
          "ports": [["name": "metrics", "containerPort": 9100]],
        ],
      ],
      "volumes": [
        ["name": "config", "configMap": ["name": "user"]], ["name": "scratch", "emptyDir": [:]],
        ["name": "data", "persistentVolumeClaim": ["claimName": "user"]],
      ],
    ],
  ]
}
