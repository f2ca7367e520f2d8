import Engine
import Locking
import LookUps
import NIOCore
import Vitals

/// Maps, worked out one at a time on a thread of their own that gives way to everybody, and kept for a while: whoever asks
/// meanwhile waits for the same one.
final class MapCache: Sendable {
    private struct Entry: Sendable {
        var work: Task<ByteBuffer, any Error>
        var staleAt: ContinuousClock.Instant
        /// Events that it was drawn after.
        var applied: Double

        /// For a while, unless twice as much is learned by then; for ever where nothing is.
        func isGood(after events: Double) -> Bool {
            events == applied || (staleAt > .now && events < 2 * applied)
        }
    }

    private static let keptFor: Duration = .seconds(15)

    private let entries = Lock<[String: Entry]>([:])
    private let thread = SerialThread(name: "freshet-map", prepare: ThreadPriority.yieldToLookUps)

    /// As it goes out.
    ///
    /// - Parameter model: `nil` for the default one.
    func map(ofModel model: String?, _ service: any LookupService) async throws -> ByteBuffer {
        let applied = service.status().number("events.applied") ?? 0
        let work = entries.withLock { entries -> Task<ByteBuffer, any Error> in
            if let entry = entries[model ?? ""], entry.isGood(after: applied) { return entry.work }
            let work = Task { try await self.draw(model, service) }
            entries[model ?? ""] = Entry(work: work, staleAt: .now + Self.keptFor, applied: applied)
            return work
        }
        do {
            return try await work.value
        } catch {
            entries.withLock { $0[model ?? ""] = nil }
            throw error
        }
    }

    private func draw(_ model: String?, _ service: any LookupService) async throws -> ByteBuffer {
        try await withCheckedThrowingContinuation { continuation in
            thread.async {
                continuation.resume(
                    with: Result { AnswerJSON.map(try service.map(MapQuery(model: model))).buffer })
            }
        }
    }
}
