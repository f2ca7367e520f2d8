package import EventLog
package import Events
import Locking
package import TestSupport

package struct Received: Sendable, Equatable {
    package let token: Token
    package let time: Int64
    package let payload: [UInt8]

    package init(token: Token, time: Int64, payload: [UInt8]) {
        self.token = token
        self.time = time
        self.payload = payload
    }

    package var text: String { String(decoding: payload, as: UTF8.self) }
}

/// Plays the engine: answers with the positions it was given or has learned, and writes down what it is told.
package final class RecordingDelegate: ConsumerDelegate {
    package struct Skip: Sendable, Equatable {
        package let partition: Int32
        package let from: Int64
        package let to: Int64

        package init(partition: Int32, from: Int64, to: Int64) {
            self.partition = partition
            self.from = from
            self.to = to
        }
    }

    private struct State {
        var positions: [Int32: Int64]
        var memory = LogMemory()
        var restarts: [Int32: Int64] = [:]
        var skips: [Skip] = []
        var revoked: [Int32] = []
    }

    private let state: Lock<State>

    package init(_ positions: [Int32: Int64] = [:], memory: LogMemory = LogMemory()) {
        state = Lock(State(positions: positions, memory: memory))
    }

    package var restarts: [Int32: Int64] { state.withLock { $0.restarts } }

    package var logMemory: LogMemory { state.withLock { $0.memory } }

    package func recognised(_ identity: String) { state.withLock { $0.memory.identity = identity } }

    package func began(_ origins: [Int32: Int64]) { state.withLock { $0.memory.origins = origins } }

    package func confirmed(partition: Int32, anchor: RecordFingerprint) {
        state.withLock { $0.memory.anchors[partition] = anchor }
    }

    package func restarted(partition: Int32, at offset: Int64) {
        state.withLock { state in
            state.restarts[partition] = offset
            state.positions[partition] = offset
            state.memory.forget(partition)
        }
    }

    /// As the engine takes a batch.
    package func learn(_ batch: LogBatch) {
        state.withLock { state in
            state.positions.merge(batch.positions) { $1 }
            state.memory.last.merge(batch.fingerprints) { $1 }
        }
    }

    package var positions: [Int32: Int64] { state.withLock { $0.positions } }
    package var skips: [Skip] { state.withLock { $0.skips } }
    package var revoked: [Int32] { state.withLock { $0.revoked } }

    package func learn(_ records: [Received]) {
        state.withLock { state in
            for record in records { state.positions[record.token.partition] = record.token.offset + 1 }
        }
    }

    package func position(of partition: Int32) -> Int64? { state.withLock { $0.positions[partition] } }

    package func began(partition: Int32, at offset: Int64) {
        state.withLock { $0.positions[partition] = offset }
    }

    package func revoke(_ partitions: [Int32]) { state.withLock { $0.revoked += partitions } }

    package func skipped(partition: Int32, from: Int64, to: Int64) {
        state.withLock { $0.skips.append(Skip(partition: partition, from: from, to: to)) }
    }
}

extension EventLogConsumer {
    package func take(recordsMax: Int = 1_000, timeout: Duration = .milliseconds(50)) throws -> [Received] {
        var batch = LogBatch()
        try poll(into: &batch, recordsMax: recordsMax, timeout: timeout)
        var received: [Received] = []
        batch.forEach { record, payload in
            received.append(Received(token: record.token, time: record.time, payload: Array(payload)))
        }
        return received
    }

    /// Polls until `count` records have come, and lets `delegate` learn them as the engine would.
    package func learn(_ count: Int, into delegate: RecordingDelegate) throws -> [Received] {
        var received: [Received] = []
        let deadline = ContinuousClock.now.advanced(by: Patience.duration)
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
    package func take(_ count: Int, limit: Duration = Patience.duration) throws -> [Received] {
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
    package func poll(until condition: () -> Bool, limit: Duration = Patience.duration) throws -> [Received] {
        var received: [Received] = []
        let deadline = ContinuousClock.now.advanced(by: limit)
        while !condition() {
            received += try take()
            if ContinuousClock.now > deadline { throw TooFew(received: received.count, wanted: -1) }
        }
        return received
    }
}

package struct TooFew: Error {
    package let received: Int
    package let wanted: Int
}

extension EventLog {
    package func append(_ text: String, key: String = "u1", time: Int64 = 1_000) async throws -> Token {
        try await append(Array(text.utf8), key: key, time: time)
    }

    package func append(_ payload: [UInt8], key: String = "u1", time: Int64 = 1_000) async throws -> Token {
        let key = try EntityID(key)
        return try await withCheckedThrowingContinuation { continuation in
            append(key: key, payload: payload, time: time) { continuation.resume(with: $0) }
        }
    }

    /// Appends all at once, in order; returns their tokens in the same order.
    package func append(all texts: [String], key: (Int) -> String = { _ in "u1" }) async throws -> [Token] {
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
package final class Appends: Sendable {
    private let outcomes: Lock<[Result<Token, EventLogError>?]>
    private let stream: AsyncStream<Void>
    private let told: AsyncStream<Void>.Continuation

    package init(count: Int) {
        outcomes = Lock(Array(repeating: nil, count: count))
        (stream, told) = AsyncStream.makeStream()
    }

    package func put(_ outcome: Result<Token, EventLogError>, at index: Int) {
        outcomes.withLock { $0[index] = outcome }
        told.yield()
    }

    package func tokens() async throws -> [Token] {
        try await results().map { try $0.get() }
    }

    package func results() async -> [Result<Token, EventLogError>] {
        for await _ in stream {
            let done = outcomes.withLock { $0.allSatisfy { $0 != nil } ? $0.compactMap(\.self) : nil }
            if let done { return done }
        }
        return []
    }
}
