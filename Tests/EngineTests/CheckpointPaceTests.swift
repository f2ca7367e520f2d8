import Testing

@testable import Engine

@Suite("The time between checkpoints")
struct CheckpointPaceTests {
    @Test("one follows another after twice the time that it took, and the first one at once")
    func rest() {
        var pace = CheckpointPace()
        let now = ContinuousClock().now
        #expect(pace.wait(at: now) <= .zero)
        pace.finish(after: .seconds(4), at: now)
        #expect(pace.wait(at: now) == .seconds(8))
        #expect(pace.wait(at: now + .seconds(5)) == .seconds(3))
        #expect(pace.wait(at: now + .seconds(8)) <= .zero)
    }

    @Test("that one has to wait is told once a checkpoint")
    func told() {
        var pace = CheckpointPace()
        let now = ContinuousClock().now
        pace.finish(after: .seconds(1), at: now)
        let told = [pace.postpone(), pace.postpone()]
        pace.finish(after: .seconds(1), at: now)
        let again = pace.postpone()
        #expect(told == [true, false])
        #expect(again)
    }
}
