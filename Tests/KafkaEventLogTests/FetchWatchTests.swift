import Testing

@testable import KafkaEventLog

@Suite("when librdkafka is woken to fetch on")
struct FetchWatchTests {
    private let start = ContinuousClock.now

    @Test("a backlog never stands still: woken once half of a full queue is taken and nothing new has come")
    func fullQueue() {
        var watch = FetchWatch(messagesMax: 1_000, bytesMax: 1_000_000)
        var (queued, wakes) = (1_000, 0)
        for _ in 0..<9 {
            if watch.shouldWake(queued: queued, at: start) { wakes += 1 }
            watch.took(100, bytes: 7_500)
            queued -= 100
        }
        #expect(wakes == 1)
    }

    @Test("large messages fill the queue by their bytes")
    func fullOfBytes() {
        var watch = FetchWatch(messagesMax: 1_000_000, bytesMax: 1_000_000)
        watch.took(1, bytes: 10_000)
        let wokeFull = watch.shouldWake(queued: 100, at: start)
        watch.took(60, bytes: 600_000)
        let wokeHalf = watch.shouldWake(queued: 40, at: start)
        #expect([wokeFull, wokeHalf] == [false, true])
    }

    @Test("not while fetching goes on by itself: below the bounds, or where more has come")
    func fetchesAnyway() {
        var quiet = FetchWatch(messagesMax: 1_000, bytesMax: 1_000_000)
        for queued in [100, 0, 300, 10, 0] {
            let wakes = quiet.shouldWake(queued: queued, at: start)
            #expect(!wakes)
            quiet.took(queued, bytes: queued * 75)
        }
        var busy = FetchWatch(messagesMax: 1_000, bytesMax: 1_000_000)
        let wokeFull = busy.shouldWake(queued: 1_000, at: start)
        busy.took(700, bytes: 52_500)
        let wokeFilled = busy.shouldWake(queued: 400, at: start)
        #expect([wokeFull, wokeFilled] == [false, false])
    }

    @Test("not twice within its interval, and again when the queue was full again")
    func interval() {
        var watch = FetchWatch(messagesMax: 1_000, bytesMax: 1_000_000)
        func fillAndDrain(at time: ContinuousClock.Instant) -> Bool {
            let wokeFull = watch.shouldWake(queued: 1_000, at: time)
            watch.took(600, bytes: 45_000)
            return watch.shouldWake(queued: 400, at: time) && !wokeFull
        }
        let wakes = [Duration.zero, .milliseconds(1), .seconds(1)].map { fillAndDrain(at: start + $0) }
        #expect(wakes == [true, false, true])
    }
}
