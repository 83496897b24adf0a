import KubeObjects

/// The messages that kubectl sends as protobuf whatever a server says it takes: those of `kubectl create`, `auth`, and
/// `drain`.
///
/// Numbers from Kubernetes' `generated.proto` files.
enum ProtobufKinds {
  static let mediaType = "application/vnd.kubernetes.protobuf"
  private static let magic: [UInt8] = Array("k8s\0".utf8)

  /// A body as an object: an envelope that names the kind, and the message of that kind.
  /// - Throws: `StatusError` (400 or 415).
  static func decode(_ body: [UInt8]) throws -> JSONValue {
    guard body.starts(with: magic) else { throw ProtobufReader.malformed }
    var reader = ProtobufReader(body[magic.count...])
    var type: JSONValue = [:]
    var raw: ArraySlice<UInt8> = []
    while let (number, value) = try reader.next() {
      guard case .bytes(let bytes) = value else { continue }
      if number == 1 { type = try ProtobufMessage([1: ("apiVersion", .string), 2: ("kind", .string)]).decode(bytes) }
      if number == 2 { raw = bytes }
    }
    let kind = type["kind"]?.stringValue ?? ""
    guard let message = messages[kind] else {
      throw StatusError.unsupportedMediaType(
        "the lab does not read \(kind) as protobuf: send JSON (kubectl apply does)")
    }
    return MergePatch.apply(type, to: try message.decode(raw))
  }

  private static let messages: [String: ProtobufMessage] = [
    "Namespace": object([
      2: ("spec", .message(ProtobufMessage([1: ("finalizers", .list(.string))]))), 3: ("status", .ignored),
    ]),
    "ConfigMap": object([2: ("data", .stringMap), 3: ("binaryData", .bytesMap), 4: ("immutable", .bool)]),
    "Secret": object([
      2: ("data", .bytesMap), 3: ("type", .string), 4: ("stringData", .stringMap), 5: ("immutable", .bool),
    ]),
    "ServiceAccount": object([3: ("imagePullSecrets", .list(.message(ProtobufMessage([1: ("name", .string)]))))]),
    "Service": object([2: ("spec", .message(serviceSpec)), 3: ("status", .ignored)]),
    "Deployment": object([2: ("spec", .message(deploymentSpec)), 3: ("status", .ignored)]),
    "Role": object([2: ("rules", .list(.message(policyRule)))]),
    "ClusterRole": object([2: ("rules", .list(.message(policyRule)))]),
    "RoleBinding": binding,
    "ClusterRoleBinding": binding,
    "SelfSubjectAccessReview": object([2: ("spec", .message(accessReviewSpec)), 3: ("status", .ignored)]),
    "SelfSubjectRulesReview": object([
      2: ("spec", .message(ProtobufMessage([1: ("namespace", .string)]))), 3: ("status", .ignored),
    ]),
    "SelfSubjectReview": object([2: ("status", .ignored)]),
    "DeleteOptions": deleteOptions,
    "Eviction": object([2: ("deleteOptions", .message(deleteOptions))]),
  ]

  private static func object(_ fields: [UInt64: (name: String, type: ProtobufMessage.FieldType)]) -> ProtobufMessage {
    ProtobufMessage(fields.merging([1: ("metadata", .message(metadata))]) { $1 })
  }

  private static let metadata = ProtobufMessage([
    1: ("name", .string), 2: ("generateName", .string), 3: ("namespace", .string), 4: ("selfLink", .ignored),
    5: ("uid", .string),
    6: ("resourceVersion", .string), 7: ("generation", .ignored), 8: ("creationTimestamp", .ignored),
    11: ("labels", .stringMap),
    12: ("annotations", .stringMap), 14: ("finalizers", .list(.string)),
  ])

  private static let serviceSpec = ProtobufMessage([
    1: ("ports", .list(.message(servicePort))), 2: ("selector", .stringMap), 3: ("clusterIP", .string),
    4: ("type", .string),
    5: ("externalIPs", .list(.string)), 7: ("sessionAffinity", .string), 8: ("loadBalancerIP", .string),
    10: ("externalName", .string),
    11: ("externalTrafficPolicy", .string), 12: ("healthCheckNodePort", .int), 13: ("publishNotReadyAddresses", .bool),
    18: ("clusterIPs", .list(.string)),
  ])

  private static let servicePort = ProtobufMessage([
    1: ("name", .string), 2: ("protocol", .string), 3: ("port", .int), 4: ("targetPort", .intOrString),
    5: ("nodePort", .int),
    6: ("appProtocol", .string),
  ])

  private static let deploymentSpec = ProtobufMessage([
    1: ("replicas", .optionalInt), 2: ("selector", .message(ProtobufMessage([1: ("matchLabels", .stringMap)]))),
    3: ("template", .message(ProtobufMessage([1: ("metadata", .message(metadata)), 2: ("spec", .message(podSpec))]))),
    4: ("strategy", .message(ProtobufMessage([1: ("type", .string)]))), 5: ("minReadySeconds", .int),
    6: ("revisionHistoryLimit", .optionalInt),
    7: ("paused", .bool), 9: ("progressDeadlineSeconds", .optionalInt),
  ])

  private static let podSpec = ProtobufMessage([
    2: ("containers", .list(.message(container))), 3: ("restartPolicy", .string),
    4: ("terminationGracePeriodSeconds", .optionalInt),
    6: ("dnsPolicy", .string), 7: ("nodeSelector", .stringMap), 8: ("serviceAccountName", .string),
    20: ("initContainers", .list(.message(container))),
  ])

  private static let container = ProtobufMessage([
    1: ("name", .string), 2: ("image", .string), 3: ("command", .list(.string)), 4: ("args", .list(.string)),
    5: ("workingDir", .string),
    6: ("ports", .list(.message(containerPort))),
    7: ("env", .list(.message(ProtobufMessage([1: ("name", .string), 2: ("value", .string)])))),
    14: ("imagePullPolicy", .string),
  ])

  private static let containerPort = ProtobufMessage([
    1: ("name", .string), 2: ("hostPort", .int), 3: ("containerPort", .int), 4: ("protocol", .string),
    5: ("hostIP", .string),
  ])

  private static let policyRule = ProtobufMessage([
    1: ("verbs", .list(.string)), 2: ("apiGroups", .list(.string)), 3: ("resources", .list(.string)),
    4: ("resourceNames", .list(.string)),
    5: ("nonResourceURLs", .list(.string)),
  ])

  private static let binding = object([
    2: (
      "subjects",
      .list(
        .message(
          ProtobufMessage([
            1: ("kind", .string), 2: ("apiGroup", .string), 3: ("name", .string), 4: ("namespace", .string),
          ])))
    ),
    3: ("roleRef", .message(ProtobufMessage([1: ("apiGroup", .string), 2: ("kind", .string), 3: ("name", .string)]))),
  ])

  private static let accessReviewSpec = ProtobufMessage([
    1: (
      "resourceAttributes",
      .message(
        ProtobufMessage([
          1: ("namespace", .string), 2: ("verb", .string), 3: ("group", .string), 4: ("version", .string),
          5: ("resource", .string),
          6: ("subresource", .string), 7: ("name", .string),
        ]))
    ),
    2: ("nonResourceAttributes", .message(ProtobufMessage([1: ("path", .string), 2: ("verb", .string)]))),
  ])

  private static let deleteOptions = ProtobufMessage([
    1: ("gracePeriodSeconds", .optionalInt),
    2: ("preconditions", .message(ProtobufMessage([1: ("uid", .string), 2: ("resourceVersion", .string)]))),
    3: ("orphanDependents", .bool), 4: ("propagationPolicy", .string), 5: ("dryRun", .list(.string)),
  ])
}
