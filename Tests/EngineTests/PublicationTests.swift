import EngineSupport
import Events
import Factors
import Locking
import LookUps
import Retrieval
import State
import TestSupport
import Testing

@testable import Engine

@Suite("What look-ups are shown, and when")
struct PublicationTests {
    private let start = ContinuousClock().now

    // Those drawn as negatives were published with each event: of a large catalogue nearly all rows, every few milliseconds.
    @Test("items that were only drawn beside events show soon, though no event comes any more")
    func drawn() async throws {
        let live = try LiveEngine()
        let catalogue = (0..<4_000).map {
            Event(.rating(user: id("u\($0 % 50)"), item: id("i\($0)"), value: 5))
        }
        try await live.feed(catalogue)
        try await live.feed(events(2_000))
        let isShown = await eventually {
            zip(live.engine.state.models, live.engine.published.models).allSatisfy { model, published in
                live.engine.onQueue { _ in
                    published.index.read { index in
                        (0..<model.items.count).allSatisfy {
                            index.vector($0) == model.items.row($0).vector
                                && index.biases[$0] == model.items.bias($0)
                        }
                    }
                }
            }
        }
        #expect(isShown)
        try live.stop()
    }

    private func eventually(_ condition: () -> Bool) async -> Bool {
        for _ in 0..<500 {
            if condition() { return true }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    @Test("what is learned shows at once where no event waits, and else no oftener than its cost allows")
    func pace() {
        var pace = PublicationPace()
        func extent(after time: Duration, left: Int) -> PublicationPace.Extent? {
            pace.extent(at: start + time, interval: .milliseconds(2), left: left, behind: 10_000)
        }
        pace.finished(at: start)
        pace.took(.milliseconds(1), for: .some(drawn: 512))
        #expect(extent(after: .zero, left: 0) != nil)
        #expect(extent(after: .milliseconds(10), left: 5) == nil)
        guard case .some(let drawn)? = extent(after: .milliseconds(17), left: 5) else {
            Issue.record("nothing is shown")
            return
        }
        #expect(drawn == PublicationPace.drawnAlong)
    }

    @Test("an engine that is behind shows all together, a thirtieth of the time, once a second at least")
    func behind() {
        var pace = PublicationPace()
        func isAll(after time: Duration) -> Bool {
            let extent = pace.extent(
                at: start + time, interval: .milliseconds(2), left: 20_000, behind: 10_000)
            guard case .allAtOnce? = extent else { return false }
            return true
        }
        pace.finished(at: start)
        pace.took(.milliseconds(10), for: .allAtOnce)
        #expect(!isAll(after: .milliseconds(300)))
        #expect(isAll(after: .milliseconds(330)))
        pace.took(.seconds(1), for: .allAtOnce)
        #expect(!isAll(after: .milliseconds(900)))
        #expect(isAll(after: .milliseconds(1_001)))
    }

    @Test("drawn rows are shown in the order in which they came, and none is lost")
    func order() {
        var unpublished = Unpublished(models: 1)
        var taken: [Int32] = []
        for part in 0..<20 {
            unpublished.addDrawn([Array(Int32(part * 10)..<Int32(part * 10 + 10))])
            taken += unpublished.takeDrawn(atMost: 7)[0]
        }
        #expect(unpublished.hasDrawn)
        taken += unpublished.takeDrawn(atMost: .max)[0]
        #expect(taken == Array(0..<200))
        #expect(!unpublished.hasDrawn)
    }

    @Test("the heap is looked after once much of it is for nothing, and not again before it has grown")
    func heap() {
        var heap = HeapCare()
        func isDue(_ resident: Int, accounted: Int) -> Bool {
            heap.isDue(resident: resident << 20, accounted: accounted << 20)
        }
        #expect(!isDue(60, accounted: 10))
        #expect(isDue(200, accounted: 50))
        heap.isRunning = true
        #expect(!isDue(200, accounted: 50))
        heap.gaveBack(resident: 150 << 20)
        #expect(!isDue(200, accounted: 50))
        #expect(isDue(220, accounted: 50))
    }
}
