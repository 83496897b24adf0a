import Testing

/// What devtunnel does, tried in pocket clusters: one at a time, since each is a small crowd of processes.
@Suite(.enabled(if: Lab.obstacle == nil, "\(Lab.obstacle ?? "")"), .serialized, .timeLimit(.minutes(3)))
enum LabTests {}
