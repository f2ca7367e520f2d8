import Dispatch
import Foundation
import Synchronization

/// Turns SIGINT and SIGTERM into a flag, so that a command can end in order. A second signal ends it at once.
final class Interrupts: Sendable {
    private let flag = Flag()
    // Unsafe only in name: Dispatch guards its sources, and this list is never changed, it keeps them alive.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    init() {
        let flag = flag
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)  // the source sees it all the same
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if flag.isRaised.exchange(true, ordering: .relaxed) { _exit(128 + number) }
            }
            source.resume()
            return source
        }
    }

    deinit { sources.forEach { $0.cancel() } }

    var isRaised: Bool { flag.isRaised.load(ordering: .relaxed) }

    private final class Flag: Sendable {
        let isRaised = Atomic(false)
    }
}
