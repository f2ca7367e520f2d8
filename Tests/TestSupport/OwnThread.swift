import Dispatch
public import Testing

/// Runs each test on a queue of its own: these tests wait in `poll`, and would otherwise take the few threads
/// of the concurrency pool from one another.
public struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    public var isRecursive: Bool { true }

    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(QueueExecutor()) { try await function() }
    }
}

extension Trait where Self == OwnThread {
    public static var ownThread: Self { Self() }
}

private final class QueueExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "freshet.test")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
