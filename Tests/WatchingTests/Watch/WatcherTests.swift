import Testing

/// One after the other: they share the process's one inotify instance, and where its queue overflows, everybody is told
/// so.
@Suite(.serialized, .timeLimit(.minutes(1)))
enum WatcherTests {}
