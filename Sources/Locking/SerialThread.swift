internal import Dispatch
internal import Foundation

/// A thread that runs what it is given, one after the other: a serial queue with a priority of its own. Dispatch's
/// threads serve all queues in turn, and one that has once given way (`ThreadPriority`) cannot take it back.
///
/// Ends, once all that was given to it has run, with the last reference to it.
public final class SerialThread: Sendable {
    private struct State {
        var tasks: [@Sendable () -> Void] = []
        var isEnded = false
    }

    /// What the thread holds on to, so that it does not keep its owner.
    private final class Inbox: Sendable {
        let state = Lock(State())
        let wake = DispatchSemaphore(value: 0)

        func run() {
            while true {
                wake.wait()
                let (tasks, isEnded) = state.withLock { state in
                    defer { state.tasks = [] }
                    return (state.tasks, state.isEnded)
                }
                for task in tasks { task() }
                if isEnded { return }
            }
        }
    }

    private let inbox = Inbox()

    /// - Parameter prepare: runs first, on the thread: say, what sets its priority.
    public init(name: String, prepare: @escaping @Sendable () -> Void) {
        let thread = Thread { [inbox] in
            prepare()
            inbox.run()
        }
        thread.name = name
        thread.start()
    }

    deinit {
        inbox.state.withLock { $0.isEnded = true }
        inbox.wake.signal()
    }

    /// Runs `task` on the thread, and waits for it. Not from the thread itself.
    public func sync(_ task: @escaping @Sendable () -> Void) {
        let isDone = DispatchSemaphore(value: 0)
        async {
            task()
            isDone.signal()
        }
        isDone.wait()
    }

    public func async(_ task: @escaping @Sendable () -> Void) {
        inbox.state.withLock { $0.tasks.append(task) }
        inbox.wake.signal()
    }
}
