package import EventLog
package import Events
internal import Foundation
internal import Locking

/// A log of records in memory, handed out as fast as they are taken, or some of them at a rate: the engine alone is
/// measured.
package final class ReplayLog: EventLog, Sendable {
    package let name = "records in memory"
    package let source = "memory"
    private let records: [[UInt8]]

    private let pace: Pace

    /// - Parameters:
    ///   - held: the first record that waits for `release`; none where absent.
    ///   - rate: a second, of those from then on.
    package init(records: [[UInt8]], heldBackFrom held: Int? = nil, rate: Int = 0) {
        self.records = records
        pace = Pace(held: held ?? records.count, rate: Double(rate))
    }

    /// From now on the records that were held back come at their rate.
    package func release() { pace.release() }

    /// How many records have come so far.
    private final class Pace: Sendable {
        private let held: Int
        private let rate: Double
        private let start = Lock<ContinuousClock.Instant?>(nil)

        init(held: Int, rate: Double) { (self.held, self.rate) = (held, rate) }

        func release() { start.withLock { $0 = ContinuousClock().now } }

        var come: Int {
            guard let start = start.withLock({ $0 }) else { return held }
            return held + Int(start.duration(to: ContinuousClock().now).seconds * rate)
        }
    }

    package func append(
        key: EntityID, payload: [UInt8], time: Int64,
        completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void
    ) {
        completion(.failure(EventLogError(.refused, "records in memory cannot be appended to")))
    }

    package var deadLettersHeld: Int { 0 }
    package func putAside(_ letter: DeadLetter) {}
    package var deadLetterLosses: DeadLetterLosses { DeadLetterLosses() }
    package func flushDeadLetters(isLast: Bool) {}
    package func partitions() -> [PartitionStatus] {
        [PartitionStatus(partition: 0, end: Int64(records.count))]
    }
    package func health() -> LogHealth { LogHealth(reachable: true) }
    package func close() {}

    package func makeConsumer(
        _ options: ConsumerOptions, delegate: any ConsumerDelegate
    ) throws(EventLogError) -> any EventLogConsumer {
        Consumer(records: records, pace: pace, next: Int(delegate.position(of: 0) ?? 0))
    }

    private final class Consumer: EventLogConsumer {
        var onGap = ConsumerOptions.OnGap.fail
        private let records: [[UInt8]]
        private let pace: Pace
        private var next: Int
        private var paused = false

        init(records: [[UInt8]], pace: Pace, next: Int) {
            self.records = records
            self.pace = pace
            self.next = next
        }

        func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) {
            let end = min(records.count, next + recordsMax, pace.come)
            guard !paused, next < end else {
                Thread.sleep(forTimeInterval: 0.001)
                return
            }
            for offset in next..<end {
                records[offset].withUnsafeBytes {
                    batch.append(token: Token(partition: 0, offset: Int64(offset)), time: 0, payload: $0)
                }
            }
            batch.stand(0, at: Int64(end))
            next = end
        }

        func pause() { paused = true }
        func resume() { paused = false }
        func commit(_ positions: [Int32: Int64]) {}
        func close() {}
    }
}
