package import Checkpoints
package import EmbeddedEventLog
package import Engine
package import EventLog
package import Events
internal import Factors
internal import Foundation
package import Locking
internal import Logging
package import TestSupport

/// An engine on an embedded log in a folder of its own.
package final class LiveEngine: Sendable {
    package let folder: Folder
    package let log: EmbeddedLog
    package let engine: Engine
    package let failure = Lock<EventLogError?>(nil)

    package init(
        _ options: EngineOptions = smallOptions(), in folder: Folder = Folder(),
        identity: StateIdentity = twoIdentity, clock: WallClock = .system
    ) throws {
        self.folder = folder
        var logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        log = try EmbeddedLog(path: folder.path + "/log.sqlite", logger: logger)
        let file = try StateFile(path: folder.state, identity: identity)
        engine = try Engine(options: options, file: file, log: log, logger: logger, clock: clock)
        engine.start { [weak self] error in self?.failure.withLock { $0 = error } }
    }

    package func stop() throws {
        try engine.stop()
        log.close()
    }

    package func append(_ event: Event) async throws -> Token {
        try await withCheckedThrowingContinuation { continuation in
            engine.append(event) { continuation.resume(with: $0) }
        }
    }

    package func wait(for token: Token, timeout: Duration = Patience.duration) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            engine.waitUntilLearned(token, timeout: timeout) {
                continuation.resume(with: $0.mapError { $0 as any Error })
            }
        }
    }

    package func checkpoint() async throws {
        _ = try await withCheckedThrowingContinuation { continuation in
            engine.checkpoint { continuation.resume(with: $0) }
        }
    }

    /// Appends all, and returns once the last one is learned.
    package func feed(_ events: [Event]) async throws {
        var last: Token?
        for chunk in stride(from: 0, to: events.count, by: 500) {
            last = try await withThrowingTaskGroup(of: Token.self) { group in
                for event in events[chunk..<min(events.count, chunk + 500)] {
                    group.addTask { try await self.append(event) }
                }
                return try await group.reduce(into: Token(partition: 0, offset: 0)) {
                    if $1.offset > $0.offset { $0 = $1 }
                }
            }
        }
        if let last { try await wait(for: last) }
    }

    /// The same in the order given, so that a deterministic engine always learns the same: tasks side by side come into
    /// the log in an order of their own.
    package func feedInOrder(_ events: [Event]) async throws {
        guard let last = events.last else { return }
        for event in events.dropLast() { engine.append(event) { _ in } }
        try await wait(for: append(last))
    }

    package func status(_ name: String) -> StatusField.Value? {
        engine.status().first { $0.name == name }?.value
    }
}
