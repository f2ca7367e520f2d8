import Synchronization

/// Bytes held for one connection: answers its client has not taken, commands queued by `MULTI`, half a request.
///
/// Written by the connection's event loop, read by any thread. Relaxed: each number stands alone, and one that is a
/// moment old only means that a bound is found passed a moment later.
final class ClientMemory: Sendable {
    private let held = Atomic<Int>(0)
    /// Of all connections of the server.
    private let total: MemoryTotal

    init(of total: MemoryTotal) {
        self.total = total
    }

    var bytes: Int { held.load(ordering: .relaxed) }

    /// - Returns: whether all connections together now hold more than they may.
    func set(_ bytes: Int) -> Bool {
        let change = bytes - held.load(ordering: .relaxed)
        guard change != 0 else { return false }
        held.store(bytes, ordering: .relaxed)
        return total.change(by: change) && change > 0
    }
}

/// Bytes held for all connections of a server, and their bound.
final class MemoryTotal: Sendable {
    private let bound: Atomic<Int>
    private let held = Atomic<Int>(0)

    init(bytesMax: Int) {
        bound = Atomic(bytesMax)
    }

    var bytesMax: Int { bound.load(ordering: .relaxed) }

    /// A bound below what is held is found passed when any connection holds more.
    func limit(to bytesMax: Int) { bound.store(bytesMax, ordering: .relaxed) }

    var bytes: Int { held.load(ordering: .relaxed) }
    var isPassed: Bool { bytes > bytesMax }

    /// - Returns: whether the bound is passed.
    fileprivate func change(by change: Int) -> Bool {
        held.add(change, ordering: .relaxed).newValue > bytesMax
    }
}
