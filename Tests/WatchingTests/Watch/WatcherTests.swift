import Testing

/// One after the other: they share the process's one inotify instance, and an overflow of its queue is reported to all.
@Suite(.serialized, .timeLimit(.minutes(1)))
enum WatcherTests {}
