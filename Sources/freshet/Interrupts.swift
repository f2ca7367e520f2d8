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
                // `timeout` and some shells send one signal twice, to the process and to its group; that is not a second wish.
                if let age = first.note(number), age >= .seconds(1) { _exit(128 + number) }
            }
            source.resume()
            return source
        }
    }

    deinit { sources.forEach { $0.cancel() } }

    var isRaised: Bool { first.number != nil }

    /// Since the first signal.
    var age: Duration? { first.age }

    /// What shells say of a command that this signal ended.
    var exitCode: Int32? { first.number.map { 128 + $0 } }
}

private final class FirstSignal: Sendable {
    private struct Signal: Sendable {
        let number: Int32
        let time: ContinuousClock.Instant
    }

    private let signal = Lock<Signal?>(nil)

    var number: Int32? { signal.withLock { $0?.number } }

    var age: Duration? { signal.withLock { signal in signal.map { $0.time.duration(to: .now) } } }

    /// Notes the first signal; gives its age to those that come after it.
    func note(_ number: Int32) -> Duration? {
        signal.withLock { signal in
            let now = ContinuousClock.now
            defer { signal = signal ?? Signal(number: number, time: now) }
            return signal.map { $0.time.duration(to: now) }
        }
    }
}
