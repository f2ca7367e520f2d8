internal import Dispatch
internal import Locking

/// When what a backlog has left in the C library's heap goes back to the system.
///
/// Records that wait, batches and pages of a checkpoint come and go by the hundred megabytes while a backlog is learned; what
/// the library keeps of them is in pieces between others, and it gives them back only when it is told to.
struct HeapCare {
    /// Less than this is not worth a pass over the heap, and a daemon that has just begun has as much.
    private static let worthwhile = 64 << 20

    var isRunning = false
    /// Resident after the last time, or less if it has shrunk since: what could not be given back.
    private var left = 0

    /// - Parameters:
    ///   - resident: bytes of this process in RAM.
    ///   - accounted: those of which it is known what they are for.
    mutating func isDue(resident: Int, accounted: Int) -> Bool {
        left = min(left, resident)
        return !isRunning && resident - max(left, accounted) > Self.worthwhile
    }

    mutating func gaveBack(resident: Int) { (isRunning, left) = (false, resident) }
}

extension Engine {
    /// While no events wait, since threads that ask the heap for memory wait for the pass.
    func careForHeap() {
        guard backlog.events == 0, let resident = ResidentMemory.bytes,
            confined.heap.isDue(resident: resident, accounted: memoryParts.sum)
        else { return }
        confined.heap.isRunning = true
        checkpointer.trimHeap { [self] in
            queue.async { [self] in confined.heap.gaveBack(resident: ResidentMemory.bytes ?? 0) }
        }
    }
}
