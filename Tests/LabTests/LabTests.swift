import Testing

/// Tests of devtunnel in pocket clusters. They run one at a time, since each cluster is a small crowd of processes.
@Suite(.enabled(if: Lab.obstacle == nil, "\(Lab.obstacle ?? "")"), .serialized, .timeLimit(.minutes(3)))
enum LabTests {}
