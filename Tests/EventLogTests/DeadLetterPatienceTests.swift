import Testing

@testable import EventLog

@Suite("dead letters that cannot be stored")
struct DeadLetterPatienceTests {
    @Test("hold the state back for the stated time and no longer")
    func patience() {
        let start = ContinuousClock.now
        var patience = DeadLetterPatience(.seconds(60))
        var over = [30, 59].map { patience.isOver(at: start + .seconds($0), since: start) }
        patience.stored()
        // Counted anew; and after the time is over the next letters have the whole time again.
        over += [61, 121, 122].map {
            patience.isOver(at: start + .seconds($0), since: start + .seconds($0 == 122 ? 122 : 61))
        }
        #expect(over == [false, false, false, true, false])
        patience.limit = .seconds(5)
        let isOver = patience.isOver(at: start + .seconds(130), since: start + .seconds(124))
        #expect(isOver, "as was changed")
        var endless = DeadLetterPatience(nil)
        let never = [0, 1_000_000].map { endless.isOver(at: start + .seconds($0), since: start) }
        #expect(never == [false, false])
    }
}
