import Engine
import Testing

@testable import Vitals

@Suite("Health in words")
struct HealthTests {
    private func health(
        _ fields: [(String, StatusField.Value)], rate: Double? = 100, lags: [Double] = [],
        freshness: Double? = 0.003, loses: Bool = false
    ) -> Health {
        let model = ModelStatus(
            name: "likes", learner: "bpr", isDefault: true,
            fields: [StatusField("loses-to-popularity", .bool(loses))])
        return Health(
            status: ([("events.applied", .integer(9))] + fields).map { StatusField($0.0, $0.1) },
            models: [model], eventsPerSecond: rate, trend: trend(lags), freshness: freshness)
    }

    /// Of one lag a second.
    private func trend(_ lags: [Double], apart: Double = 1) -> LagTrend {
        LagTrend(lags.enumerated().map { .init(seconds: 7 + Double($0.offset) * apart, lag: $0.element) })
    }

    @Test("what matters most comes first, and says what is and what will be")
    func words() {
        #expect(health([]) == health([("lag.total", .integer(90))]))
        #expect(
            health([]).words
                == "All is well: every event is learned, half of them within 3 ms of their coming.")
        #expect(health([], rate: 0).words.contains("None came"))
        let behind: [(String, StatusField.Value)] = [("lag.total", .integer(12_000))]
        #expect(
            health(behind, rate: 5_000, lags: [15_000, 14_000, 13_000, 12_000], freshness: 120).words
                == "2 minutes behind (12,000 events) and catching up: 12 s left.")
        #expect(
            health(behind, rate: 5_000, lags: [9_500, 10_000, 10_500, 11_000, 11_500, 12_000]).words
                .contains("falling further behind: 5,000 a second are learned, 5,500 come"))
        #expect(
            health(behind, rate: 0, lags: Array(repeating: 12_000, count: 6)).words
                .contains("none is being learned"))
        #expect(health([], loses: true).words.contains("“likes” does worse than popularity"))
        let unreachable = health(
            behind + [("log.reachable", .bool(false)), ("log.last-error", .text("timeout"))])
        #expect(unreachable.state == .trouble && unreachable.words.contains("timeout"))
        #expect(health([("checkpoint.last-error", .text("disk full"))]).words.contains("disk full"))
    }

    @Test("a burst is no trend: it was called falling further behind while its events were being learned")
    func burst() {
        let quiet = Array(repeating: 0.0, count: 8)
        for lags in [quiet + [40_000], quiet + [20_000, 40_000], quiet + [40_000, 45_000, 43_000]] {
            #expect(trend(lags).direction == .unclear, "\(lags)")
        }
        // As soon as it shrinks, it is caught up with.
        #expect(trend(quiet + [40_000, 30_000, 20_000]).direction == .catchingUp(perSecond: 10_000))
        // Bursts that come each other second are learned in between.
        let bursts = (0..<10).map { $0 % 2 == 0 ? 5_000.0 : 0 }
        #expect(trend(bursts).direction == .unclear)
        let behind = health([("lag.total", .integer(40_000))], rate: 0, lags: quiet + [40_000])
        #expect(
            behind.state == .busy
                && behind.words == "40,000 events behind: they have just come, and are being learned.")
    }

    @Test("the lag's way is told after some seconds, however far apart one looks")
    func trends() {
        #expect(trend([]).direction == .unclear && trend([5_000]).direction == .unclear)
        #expect(trend([2_000, 3_000, 4_000, 5_000]).direction == .unclear)
        let growing = (0..<6).map { 2_000 + 1_000 * Double($0) }
        #expect(trend(growing).direction == .fallingBehind(perSecond: 1_000))
        // One second in which it shrank changes nothing.
        #expect(
            trend([2_000, 3_000, 4_000, 3_900, 5_000, 6_000, 7_000]).direction
                == .fallingBehind(perSecond: 5_000 / 6))
        #expect(trend(growing, apart: 60).direction == .fallingBehind(perSecond: 1_000.0 / 60))
        #expect(trend(growing, apart: 0.1).direction == .unclear)
        #expect(trend(Array(repeating: 3_000, count: 7)).direction == .standing)
    }
}
