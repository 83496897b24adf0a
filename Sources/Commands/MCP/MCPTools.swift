// The tools, in the words of the verbs that they are.

private let place = [
  MCPParameter("namespace", .text, "The namespace; without it that of the kubeconfig's context."),
  MCPParameter("context", .text, "The kubeconfig's context; without it the current one."),
]

extension MCPTool {
  /// Tools that change nothing.
  static let reading: [MCPTool] = [
    MCPTool(
      name: "list", title: "List Services",
      description: """
        Lists the Services of a namespace: their ports, if each can be intercepted, by whom it is, and the reason why \
        it cannot be.
        """,
      parameters: [MCPParameter("all_namespaces", .flag, "True for the Services of every namespace.")] + place),
    MCPTool(
      name: "status", title: "Show the daemon's state",
      description: """
        Shows what this machine intercepts and forwards, its shells and proxies, and the tunnels to the clusters, with \
        counters of connections and the reasons why something does not arrive here.
        """),
    MCPTool(
      name: "requests", title: "Show requests",
      description: """
        Shows the last HTTP requests that passed here through intercepts, forwards and shells, and their answers: \
        method, target, status, times, the side that answered, the failure. Values of secrets are ***.
        """,
      parameters: [
        MCPParameter("service", .text, "A Service, or a target such as pod/db-0; without it all."),
        MCPParameter("last", .number(1...200), "The number of last requests (default: 20)."),
        MCPParameter("headers", .flag, "True to have the fields of the heads, too."),
        MCPParameter("bodies", .flag, "True to have the bodies that were kept, too."),
      ] + place),
    MCPTool(
      name: "logs", title: "Show the daemon's log",
      description: "Shows the last lines of the daemon's log, which has the reasons of what failed.",
      parameters: [MCPParameter("lines", .number(1...1000), "The number of lines (default: 50).")]),
    MCPTool(
      name: "explain", title: "Explain a request's way",
      description: """
        Says who would get a request to a Service by the present intercepts and their rules: a holder, or the \
        workload's own Pods. Changes nothing.
        """,
      parameters: [
        MCPParameter("service", .text, "The Service.", isRequired: true),
        MCPParameter("request", .text, "Method and path, such as 'GET /api/users'.", isRequired: true),
        MCPParameter("headers", .texts, "Headers of the request, each as 'name: value'."),
      ] + place),
  ]

  /// Tools that change a cluster, or this machine.
  static let changing: [MCPTool] = [
    MCPTool(
      name: "intercept", title: "Intercept a Service",
      description: """
        Lets a Service's requests arrive at a process of this machine, which must be listening already. Returns once \
        they do. With personal, header, path or method only those that match; with mirror only copies. It stays until \
        leave is called. What somebody else has is not taken over.
        """,
      parameters: [
        MCPParameter("service", .text, "The Service.", isRequired: true),
        MCPParameter(
          "port", .texts,
          "Ports here, each as HOST or HOST:PORT with the Service's port by number or name; without it the same ones."),
        MCPParameter("personal", .flag, "True to take only requests that are marked with the user's name."),
        MCPParameter("header", .texts, "Take only requests with these headers, each as NAME=VALUE; * is any text."),
        MCPParameter("path", .texts, "Take only requests for this path, such as /api/*."),
        MCPParameter("method", .texts, "Take only requests with this method."),
        MCPParameter("mirror", .flag, "True to take copies only: the answers here are dropped."),
      ] + place, changes: true),
    MCPTool(
      name: "leave", title: "End an intercept",
      description: "Ends an intercept: new connections go to the Service's own Pods again.",
      parameters: [MCPParameter("service", .text, "The Service; without it the only one that is intercepted.")]
        + place, changes: true),
    MCPTool(
      name: "forward", title: "Forward ports",
      description: """
        Opens ports on 127.0.0.1 that forward to a Service or Pod of the cluster. They stay until stop_forward is \
        called.
        """,
      parameters: [
        MCPParameter("target", .text, "A Service, or KIND/NAME, such as pod/db-0.", isRequired: true),
        MCPParameter(
          "ports", .texts, "Ports, each as PORT or HOST:PORT; :PORT takes any free one here.", isRequired: true),
      ] + place, changes: true),
    MCPTool(
      name: "stop_forward", title: "Stop a forward", description: "Closes the ports of a forward.",
      parameters: [MCPParameter("id", .text, "The forward's id, as status shows it.", isRequired: true)],
      changes: true),
  ]
}
