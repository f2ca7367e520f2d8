import Events
import StreamLearning
import Testing

@testable import Engine

@Suite("batches that wait for the engine")
struct WaitingBatchesTests {
    private func batch(_ offsets: Range<Int64>) throws -> IngestBatch {
        let events = try offsets.map {
            LoggedEvent(
                token: Token(partition: 0, offset: $0), logTime: 0,
                event: Event(.rating(user: try EntityID("u\($0)"), item: try EntityID("i"), value: 1)))
        }
        return IngestBatch(events: events, positions: [0: offsets.upperBound])
    }

    @Test("small ones that come while another waits become one, up to the bound, in order")
    func grow() throws {
        let waiting = WaitingBatches()
        let turns = try [0..<1, 1..<4, 4..<9, 9..<10].map { waiting.put(try batch($0), eventsMax: 5) }
        #expect(turns == [true, false, true, true])
        var taken: [[Int64]] = []
        var positions: [Int64?] = []
        while let batch = waiting.take() {
            taken.append(batch.events.entries.map(\.token.offset))
            positions.append(batch.positions[0])
        }
        #expect(taken == [[0, 1, 2, 3], [4, 5, 6, 7, 8], [9]])
        #expect(positions == [4, 9, 10])
    }

    @Test("what was taken is not added to")
    func alone() throws {
        let waiting = WaitingBatches()
        let first = waiting.put(try batch(0..<1), eventsMax: 100)
        #expect(waiting.take()?.recordCount == 1)
        let second = waiting.put(try batch(1..<2), eventsMax: 100)
        #expect(first && second)
        #expect(waiting.take()?.recordCount == 1)
        #expect(waiting.take()?.recordCount == nil)
    }
}
