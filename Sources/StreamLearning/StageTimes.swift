internal import Foundation
internal import Locking

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Where the time of ingest goes, by stage: for benchmarks, at two readings of clocks a stage and batch.
package final class StageTimes: Sendable {
    package enum Stage: String, Sendable, CaseIterable {
        /// Takes records from the log; its wall time holds the waiting for more.
        case fetch
        case decode
        /// From ids to rows, known again or new; cutting into cells. While the batch before is learned.
        case prepare
        /// Scores, learns, remembers; summed over the shards.
        case learn
        /// Of the engine's queue, for the shards.
        case wait
        case publish
        /// Copies what has changed aside, on the queue that learns.
        case collect
        /// Writes a checkpoint, on a queue of its own.
        case write
    }

    package struct Times: Sendable, Equatable {
        package var turns = 0
        package var wallSeconds = 0.0
        /// Of the thread that runs the stage alone: several shards have threads of their own.
        package var processorSeconds = 0.0

        package init() {}
    }

    private let times = Lock<[Stage: Times]>([:])

    package init() {}

    package var all: [Stage: Times] { times.withLock { $0 } }

    package func measure<Result, Failure: Error>(_ stage: Stage, _ body: () throws(Failure) -> Result)
        throws(Failure) -> Result
    {
        let (wall, processor) = (Self.now(CLOCK_MONOTONIC), Self.now(CLOCK_THREAD_CPUTIME_ID))
        defer {
            let (wallEnd, processorEnd) = (Self.now(CLOCK_MONOTONIC), Self.now(CLOCK_THREAD_CPUTIME_ID))
            times.withLock { times in
                times[stage, default: Times()].turns += 1
                times[stage, default: Times()].wallSeconds += wallEnd - wall
                times[stage, default: Times()].processorSeconds += processorEnd - processor
            }
        }
        return try body()
    }

    private static func now(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
