import EventLog
import Events
import Locking
import Testing

struct Received: Sendable, Equatable {
    let token: Token
    let time: Int64
    let payload: [UInt8]

    var text: String { String(decoding: payload, as: UTF8.self) }
}

/// Plays the engine: answers with the positions it was given or has learned, and writes down what it is told.
final class RecordingDelegate: ConsumerDelegate {
    struct Skip: Sendable, Equatable {
        let partition: Int32
        let from: Int64
        let to: Int64
    }

    private struct State {
        var positions: [Int32: Int64]
        var memory = LogMemory()
        var restarts: [Int32: Int64] = [:]
        var skips: [Skip] = []
        var revoked: [Int32] = []
    }

    private let state: Lock<State>

    init(_ positions: [Int32: Int64] = [:], memory: LogMemory = LogMemory()) {
        state = Lock(State(positions: positions, memory: memory))
    }

    var restarts: [Int32: Int64] { state.withLock { $0.restarts } }

    var logMemory: LogMemory { state.withLock { $0.memory } }

    func recognised(_ identity: String) { state.withLock { $0.memory.identity = identity } }

    func began(_ origins: [Int32: Int64]) { state.withLock { $0.memory.origins = origins } }

    func confirmed(partition: Int32, anchor: RecordFingerprint) {
        state.withLock { $0.memory.anchors[partition] = anchor }
    }

    func restarted(partition: Int32, at offset: Int64) {
        state.withLock { state in
            state.restarts[partition] = offset
            state.positions[partition] = offset
            state.memory.forget(partition)
        }
    }

    /// As the engine takes a batch.
    func learn(_ batch: LogBatch) {
        state.withLock { state in
            state.positions.merge(batch.positions) { $1 }
            state.memory.last.merge(batch.fingerprints) { $1 }
        }
    }

    var positions: [Int32: Int64] { state.withLock { $0.positions } }
    var skips: [Skip] { state.withLock { $0.skips } }
    var revoked: [Int32] { state.withLock { $0.revoked } }

    func learn(_ records: [Received]) {
        state.withLock { state in
            for record in records { state.positions[record.token.partition] = record.token.offset + 1 }
        }
    }

    func position(of partition: Int32) -> Int64? { state.withLock { $0.positions[partition] } }

    func began(partition: Int32, at offset: Int64) { state.withLock { $0.positions[partition] = offset } }

    func revoke(_ partitions: [Int32]) { state.withLock { $0.revoked += partitions } }

    func skipped(partition: Int32, from: Int64, to: Int64) {
        state.withLock { $0.skips.append(Skip(partition: partition, from: from, to: to)) }
    }
}

extension EventLogConsumer {
    func take(recordsMax: Int = 1_000, timeout: Duration = .milliseconds(50)) throws -> [Received] {
        var batch = LogBatch()
        try poll(into: &batch, recordsMax: recordsMax, timeout: timeout)
        var received: [Received] = []
        batch.forEach { record, payload in
            received.append(Received(token: record.token, time: record.time, payload: Array(payload)))
        }
        return received
    }

    /// Polls until `count` records have come, and lets `delegate` learn them as the engine would.
    func learn(_ count: Int, into delegate: RecordingDelegate) throws -> [Received] {
        var received: [Received] = []
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while received.count < count {
            var batch = LogBatch()
            try poll(into: &batch, recordsMax: 1_000, timeout: .milliseconds(50))
            delegate.learn(batch)
            batch.forEach { record, payload in
                received.append(Received(token: record.token, time: record.time, payload: Array(payload)))
            }
            if ContinuousClock.now > deadline { throw TooFew(received: received.count, wanted: count) }
        }
        return received
    }

    /// Polls until `count` records are there; a record too few is an error after `limit`.
    func take(_ count: Int, limit: Duration = .seconds(60)) throws -> [Received] {
        var received: [Received] = []
        let deadline = ContinuousClock.now.advanced(by: limit)
        while received.count < count {
            received += try take()
            if ContinuousClock.now > deadline {
                throw TooFew(received: received.count, wanted: count)
            }
        }
        return received
    }

    /// Polls until `condition` holds.
    func poll(until condition: () -> Bool, limit: Duration = .seconds(60)) throws -> [Received] {
        var received: [Received] = []
        let deadline = ContinuousClock.now.advanced(by: limit)
        while !condition() {
            received += try take()
            if ContinuousClock.now > deadline { throw TooFew(received: received.count, wanted: -1) }
        }
        return received
    }
}

struct TooFew: Error {
    let received: Int
    let wanted: Int
}

extension EventLog {
    func append(_ text: String, key: String = "u1", time: Int64 = 1_000) async throws -> Token {
        try await append(Array(text.utf8), key: key, time: time)
    }

    func append(_ payload: [UInt8], key: String = "u1", time: Int64 = 1_000) async throws -> Token {
        let key = try EntityID(key)
        return try await withCheckedThrowingContinuation { continuation in
            append(key: key, payload: payload, time: time) { continuation.resume(with: $0) }
        }
    }

    /// Appends all at once, in order; returns their tokens in the same order.
    func append(all texts: [String], key: (Int) -> String = { _ in "u1" }) async throws -> [Token] {
        let group = Appends(count: texts.count)
        for (index, text) in texts.enumerated() {
            append(key: try EntityID(key(index)), payload: Array(text.utf8), time: 1_000) {
                group.put($0, at: index)
            }
        }
        return try await group.tokens()
    }
}

/// Collects the outcomes of appends made without waiting for one another.
final class Appends: Sendable {
    private let outcomes: Lock<[Result<Token, EventLogError>?]>
    private let stream: AsyncStream<Void>
    private let told: AsyncStream<Void>.Continuation

    init(count: Int) {
        outcomes = Lock(Array(repeating: nil, count: count))
        (stream, told) = AsyncStream.makeStream()
    }

    func put(_ outcome: Result<Token, EventLogError>, at index: Int) {
        outcomes.withLock { $0[index] = outcome }
        told.yield()
    }

    func tokens() async throws -> [Token] {
        try await results().map { try $0.get() }
    }

    func results() async -> [Result<Token, EventLogError>] {
        for await _ in stream {
            let done = outcomes.withLock { $0.allSatisfy { $0 != nil } ? $0.compactMap(\.self) : nil }
            if let done { return done }
        }
        return []
    }
}
