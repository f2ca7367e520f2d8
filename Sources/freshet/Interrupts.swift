import Dispatch
import Foundation
import Locking

/// Turns SIGINT, SIGTERM and SIGHUP (a closed terminal) into a flag, so that a command can end in order. Signalled again
/// a second later or more, it ends at once. Under `nohup`, which has SIGHUP ignored, that stays ignored.
final class Interrupts: Sendable {
    private let first = FirstSignal()
    // Unsafe only in name: Dispatch guards its sources, and this list is never changed, it keeps them alive.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    init() {
        let first = first
        let before = signal(SIGHUP, SIG_IGN)
        let hangUpEnds = unsafeBitCast(before, to: Int.self) != unsafeBitCast(SIG_IGN, to: Int.self)
        sources = ([SIGINT, SIGTERM] + (hangUpEnds ? [SIGHUP] : [])).map { number in
            signal(number, SIG_IGN)  // the source sees it all the same
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if first.isLongAgo() { _exit(128 + number) }
            }
            source.resume()
            return source
        }
    }

    deinit { sources.forEach { $0.cancel() } }

    var isRaised: Bool { first.isPast }
}

private final class FirstSignal: Sendable {
    private let time = Lock<ContinuousClock.Instant?>(nil)

    var isPast: Bool { time.withLock { $0 != nil } }

    /// Notes the first signal. `timeout` and some shells send one signal twice, to the process and to its group;
    /// that is not a second wish.
    func isLongAgo() -> Bool {
        time.withLock { time in
            let now = ContinuousClock.now
            defer { time = time ?? now }
            return time.map { $0.duration(to: now) >= .seconds(1) } ?? false
        }
    }
}
