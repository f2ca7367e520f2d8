import Checkpoints
import EngineSupport
import EventLog
import Events
import Foundation
import Locking
import Logging
import LookUps
import State
import TestSupport
import Testing

@testable import Engine

@Suite("what the engine remembers of its log")
struct LogMemoryTests {
    // The position past a transaction's commit marker was never written, so that retention of the marker was a gap.
    @Test("a position that moves without any event is made durable, and then nothing more is written")
    func idleAdvance() async throws {
        let (folder, log) = (Folder(), ScriptedLog())
        var options = smallOptions()
        options.checkpoints.interval = .milliseconds(10)
        let engine = try open(options, folder, log)
        log.say { $0.stand(0, at: 21) }
        while try StateFile.verify(path: folder.state).positions != [0: 21] {
            try await Task.sleep(for: .milliseconds(2))
        }
        while engine.statusInteger("checkpoint.written") == 0 { try await Task.sleep(for: .milliseconds(2)) }
        let written = engine.statusInteger("checkpoint.written")
        // The end is told again, and brings nothing new.
        for _ in 0..<20 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(engine.statusInteger("checkpoint.written") == written)
        #expect(engine.statusInteger("position.0") == 21)
        try engine.stop()
    }

    @Test("fingerprints, identity and origins come back with the state, and are no part of its digest")
    func durable() async throws {
        let (folder, log) = (Folder(), ScriptedLog())
        let engine = try open(smallOptions(), folder, log)
        let before = try engine.digest().digest
        engine.recognised("cluster-7")
        engine.began([0: 5, 1: 9])
        engine.confirmed(partition: 0, anchor: RecordFingerprint(offset: 3, hash: 1))
        #expect(try engine.digest().digest == before)
        log.say { $0.stand(0, at: 12, last: RecordFingerprint(offset: 11, hash: .max)) }
        while engine.statusInteger("position.0") != 12 { try await Task.sleep(for: .milliseconds(2)) }
        try engine.stop()

        let again = try open(smallOptions(), folder, ScriptedLog())
        #expect(again.logMemory.identity == "cluster-7")
        #expect(again.logMemory.origins == [0: 5, 1: 9])
        #expect(again.logMemory.last == [0: RecordFingerprint(offset: 11, hash: .max)])
        #expect(again.logMemory.anchors == [0: RecordFingerprint(offset: 3, hash: 1)])
        try again.stop()
    }

    @Test("another log is learned from its beginning, below the old position too, and counted")
    func restarted() async throws {
        let (folder, log) = (Folder(), ScriptedLog())
        let engine = try open(smallOptions(), folder, log)
        log.say { $0.stand(0, at: 120, last: RecordFingerprint(offset: 119, hash: 1)) }
        while engine.statusInteger("position.0") != 120 { try await Task.sleep(for: .milliseconds(2)) }
        engine.restarted(partition: 0, at: 0)
        #expect(engine.logMemory.last.isEmpty)
        log.say { batch in
            Array(#"{"user":"u1","item":"i1","rating":4}"#.utf8).withUnsafeBytes {
                batch.append(token: Token(partition: 0, offset: 0), time: 1_000, payload: $0)
            }
            batch.append(
                token: Token(partition: 0, offset: 1), time: 1_000, payload: .init(start: nil, count: 0),
                isTombstone: true)
            batch.stand(0, at: 2)
        }
        while engine.statusInteger("position.0") != 2 { try await Task.sleep(for: .milliseconds(2)) }
        #expect(engine.statusInteger("events.applied") == 1)
        #expect(engine.statusInteger("events.log-changes") == 1)
        // A tombstone was a dead letter.
        #expect(engine.statusInteger("events.tombstones") == 1)
        #expect(engine.statusInteger("events.dead-letters") == 0)
        try engine.stop()
    }

    @Test("a state of an older program has begun: what it has not seen came later")
    func olderState() throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        var delta = StateDelta()
        delta.positions = [0: 7]
        try file.write(delta)
        try file.close()
        let engine = try open(smallOptions(), folder, ScriptedLog())
        #expect(engine.logMemory.origins == [:])
        #expect(engine.logMemory.identity == nil)
        try engine.stop()
    }

    // A broker with seven days' retention deleted a back-fill minutes after it had acknowledged it.
    @Test("a record's time is when it was appended, not the event's own")
    func recordTime() async throws {
        let (folder, log) = (Folder(), ScriptedLog())
        let engine = try open(smallOptions(), folder, log)
        let event = Event(.rating(user: id("u1"), item: id("i1"), value: 4), time: 1_000)
        _ = try? await withCheckedThrowingContinuation { continuation in
            engine.append(event) { continuation.resume(with: $0) }
        }
        let time = try #require(log.times.first)
        #expect(time > 1_700_000_000_000)
        try engine.stop()
    }

    @Test("what repeating cannot mend is ERR, what it can is UNAVAILABLE or OVERLOADED")
    func errorWords() {
        #expect(EventLogError.Code.unacceptable.lookUpCode == .invalid)
        #expect(EventLogError.Code.tooLarge.lookUpCode == .invalid)
        #expect(EventLogError.Code.full.lookUpCode == .overloaded)
        for code in [EventLogError.Code.unreachable, .timedOut, .refused, .topicMissing, .closed] {
            #expect(code.lookUpCode == .unavailable)
        }
    }

    private func open(_ options: EngineOptions, _ folder: Folder, _ log: ScriptedLog) throws -> Engine {
        var logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        let engine = try Engine(options: options, file: file, log: log, logger: logger)
        engine.start { _ in }
        return engine
    }
}

extension Engine {
    /// -1 where there is no such number.
    fileprivate func statusInteger(_ name: String) -> Int {
        guard case .integer(let number)? = status().first(where: { $0.name == name })?.value else {
            return -1
        }
        return Int(number)
    }
}

/// A log whose batches the test dictates.
private final class ScriptedLog: EventLog {
    let name = "scripted log"
    let source = "embedded"
    private let script = Lock<[@Sendable (inout LogBatch) -> Void]>([])
    private let recordTimes = Lock<[Int64]>([])

    var times: [Int64] { recordTimes.withLock { $0 } }

    func say(_ batch: @escaping @Sendable (inout LogBatch) -> Void) { script.withLock { $0.append(batch) } }

    func append(
        key: EntityID, payload: [UInt8], time: Int64,
        completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void
    ) {
        recordTimes.withLock { $0.append(time) }
        completion(.failure(EventLogError(.refused, "takes nothing")))
    }

    var deadLettersHeld: Int { 0 }
    var deadLetterLosses: DeadLetterLosses { DeadLetterLosses() }
    func putAside(_ letter: DeadLetter) {}
    func flushDeadLetters(isLast: Bool) throws(EventLogError) {}
    func partitions() -> [PartitionStatus] { [] }
    func health() -> LogHealth { LogHealth(reachable: true) }
    func close() {}

    func makeConsumer(
        _ options: ConsumerOptions, delegate: any ConsumerDelegate
    ) throws(EventLogError) -> any EventLogConsumer {
        Consumer(log: self)
    }

    private final class Consumer: EventLogConsumer {
        var onGap = ConsumerOptions.OnGap.fail
        private let log: ScriptedLog

        init(log: ScriptedLog) { self.log = log }

        func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) {
            guard let next = log.script.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
                Thread.sleep(forTimeInterval: 0.001)
                return
            }
            next(&batch)
        }

        func pause() {}
        func resume() {}
        func commit(_ positions: [Int32: Int64]) {}
        func close() {}
    }
}
