struct GarbageCollector { static let foregroundFinalizer = "foregroundDeletion"; static let orphanFinalizer = "orphan" }
