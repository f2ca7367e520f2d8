internal import EventLog
internal import Events
internal import Foundation

/// A log of records in memory, handed out as fast as they are taken: the engine alone is measured.
final class ReplayLog: EventLog, Sendable {
    let name = "records in memory"
    let source = "memory"
    private let records: [[UInt8]]

    init(records: [[UInt8]]) { self.records = records }

    func append(
        key: EntityID, payload: [UInt8], time: Int64,
        completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void
    ) {
        completion(.failure(EventLogError(.refused, "records in memory cannot be appended to")))
    }

    var deadLettersHeld: Int { 0 }
    func putAside(_ letter: DeadLetter) {}
    var deadLetterLosses: DeadLetterLosses { DeadLetterLosses() }
    func flushDeadLetters(isLast: Bool) {}
    func partitions() -> [PartitionStatus] { [PartitionStatus(partition: 0, end: Int64(records.count))] }
    func health() -> LogHealth { LogHealth(reachable: true) }
    func close() {}

    func makeConsumer(
        _ options: ConsumerOptions, delegate: any ConsumerDelegate
    ) throws(EventLogError) -> any EventLogConsumer {
        Consumer(records: records, next: Int(delegate.position(of: 0) ?? 0))
    }

    private final class Consumer: EventLogConsumer {
        var onGap = ConsumerOptions.OnGap.fail
        private let records: [[UInt8]]
        private var next: Int
        private var paused = false

        init(records: [[UInt8]], next: Int) {
            self.records = records
            self.next = next
        }

        func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) {
            guard !paused, next < records.count else {
                Thread.sleep(forTimeInterval: 0.001)
                return
            }
            let end = min(records.count, next + recordsMax)
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
