/// The events of a running loop. With `--output json` each is an object on a line of its own: docs/output.md.
public enum DevEvent: Sendable, Hashable {
  /// The loop's configuration and cluster, each time the configuration was read.
  case configured(Configured)
  /// The loop waits for changes.
  case watching(Watching)
  /// Files changed; the event names the action that follows.
  case changed(Changed)
  case building(Building)
  /// A line of a builder's output.
  case buildOutput(BuildOutput)
  case built(Built)
  /// An image is now where the cluster's nodes find it.
  case loaded(Loaded)
  /// Changed files were copied into running containers.
  case synced(Synced)
  /// Objects were copied from the remote cluster (`--mirror`).
  case mirrored(Mirrored)
  case applied(Applied)
  /// Objects that are no longer in the manifests were deleted.
  case pruned(Objects)
  /// A workload is not ready yet.
  case waiting(Waiting)
  /// All workloads are ready.
  case ready(Ready)
  /// A workload that had failed after it was ready has been ready again for 30 s.
  case recovered(Recovered)
  /// A port of this machine is forwarded to the cluster.
  case forwarded(Forwarded)
  /// A port of this machine is no longer forwarded: the daemon has ended. The loop opens it again.
  case unforwarded(Forwarded)
  /// The requests of a remote Service go to the deployed one (`devtunnel dev`).
  case intercepted(Intercepted)
  /// A line of a container's output.
  case log(Log)
  case warning(Warning)
  case failed(LoopError)
  /// The times of one save's steps, counted from the file system's first event.
  case timeline(Timeline)
  /// Requests that were kept were sent to the version that runs now (`--replay`).
  case replayed(Replayed)
  /// The run's objects were deleted at the end.
  case deleted(Objects)

  public struct Configured: Sendable, Hashable, Codable {
    public var files: [String]
    public var profiles: [String]
    public var artifacts: [String]
    public var builder: String
    public var cluster: String
    public var context: String
    public var namespace: String
  }

  public struct Watching: Sendable, Hashable, Codable {
    public var directories: Int
  }

  public struct Changed: Sendable, Hashable, Codable {
    public enum Action: String, Sendable, Hashable, Codable { case reload, build, sync, deploy }

    /// The changed files, at most 20 of them.
    public var paths: [String]
    /// The number of all changed files.
    public var count: Int
    public var action: Action
    /// True if the action replaces work that was under way.
    public var restarts: Bool
  }

  public struct Building: Sendable, Hashable, Codable {
    public var artifacts: [String]
  }

  public struct BuildOutput: Sendable, Hashable, Codable {
    public var artifact: String
    public var line: String

    public init(artifact: String, line: String) {
      self.artifact = artifact
      self.line = line
    }
  }

  public struct Built: Sendable, Hashable, Codable {
    public var artifact: String
    public var tag: String
    public var id: String
    /// True if nothing had changed, so nothing was built.
    public var cached: Bool
    public var milliseconds: Int
  }

  public struct Loaded: Sendable, Hashable, Codable {
    public var artifact: String
    /// The image's reference in the manifests.
    public var reference: String
    public var milliseconds: Int
  }

  public struct Synced: Sendable, Hashable, Codable {
    public var artifact: String
    /// The number of copied files.
    public var files: Int
    /// The number of files that were deleted on this machine, and now in the containers.
    public var removed: Int
    public var containers: Int
    public var milliseconds: Int
  }

  public struct Mirrored: Sendable, Hashable, Codable {
    public var objects: [String]
    /// `CONTEXT/NAMESPACE` of the remote cluster.
    public var from: String
  }

  public struct Applied: Sendable, Hashable, Codable {
    public struct Object: Sendable, Hashable, Codable {
      /// `Deployment shop/user`.
      public var object: String
      /// `created`, `changed`, `unchanged`, `recreated`.
      public var change: String
    }

    public var objects: [Object]
    public var milliseconds: Int
  }

  public struct Objects: Sendable, Hashable, Codable {
    public var objects: [String]
  }

  public struct Waiting: Sendable, Hashable, Codable {
    public var object: String
    /// The number of ready Pods (Jobs: completions).
    public var ready: Int
    /// The number of Pods that the workload asks for (Jobs: completions).
    public var wanted: Int
    /// The reason for waiting.
    public var reason: String?
  }

  public struct Ready: Sendable, Hashable, Codable {
    public var milliseconds: Int
  }

  public struct Recovered: Sendable, Hashable, Codable {
    /// `Deployment shop/user`.
    public var object: String

    public init(object: String) { self.object = object }
  }

  public struct Forwarded: Sendable, Hashable, Codable {
    /// `svc/user`.
    public var target: String
    public var namespace: String
    /// The target's port, by number or name.
    public var port: String
    /// The address and port on this machine: `127.0.0.1:8080`.
    public var host: String
    /// Remarks on the choice of `host`: the port that was wanted is taken, say, or other machines reach this one.
    public var note: String?
  }

  public struct Intercepted: Sendable, Hashable, Codable {
    /// The context of the remote cluster.
    public var context: String
    public var namespace: String
    public var service: String
    /// `CONTEXT/NAMESPACE/svc/NAME`: the destination of its requests.
    public var to: String
    /// `requests with path /api/*`, `copies of all that arrives`; nil if all requests go there.
    public var requests: String?

    public init(context: String, namespace: String, service: String, to: String, requests: String? = nil) {
      self.context = context
      self.namespace = namespace
      self.service = service
      self.to = to
      self.requests = requests
    }
  }

  public struct Replayed: Sendable, Hashable, Codable {
    /// The numbers of answers that are as they were, that differ, that did not come, and of requests not sent.
    public var same: Int
    public var differs: Int
    public var failed: Int
    public var skipped: Int
    /// `37 of 38 answers the same`.
    public var summary: String
    /// The requests whose answers differ, and their differences; at most 40 lines.
    public var details: [String]
    public var milliseconds: Int

    public init(
      same: Int, differs: Int, failed: Int, skipped: Int, summary: String, details: [String], milliseconds: Int
    ) {
      self.same = same
      self.differs = differs
      self.failed = failed
      self.skipped = skipped
      self.summary = summary
      self.details = details
      self.milliseconds = milliseconds
    }
  }

  public struct Log: Sendable, Hashable, Codable {
    public var namespace: String
    public var pod: String
    public var container: String
    public var text: String
  }

  public struct Warning: Sendable, Hashable, Codable {
    public var message: String

    public init(message: String) { self.message = message }
  }
}
