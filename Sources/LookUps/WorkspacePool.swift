internal import Learners
internal import Locking

/// Room for the solutions of look-ups, which come on any thread: each takes one for as long as it solves.
final class WorkspacePool: Sendable {
    private let factors: Int
    private let idle = Lock<[ALSWorkspace]>([])

    init(factors: Int) { self.factors = factors }

    func with<Result>(_ body: (ALSWorkspace) -> Result) -> Result {
        let workspace = idle.withLock { $0.popLast() } ?? ALSWorkspace(factors: factors)
        defer { idle.withLock { $0.append(workspace) } }
        return body(workspace)
    }
}
