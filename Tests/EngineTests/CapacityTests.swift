import EngineSupport
import Events
import Factors
import Histories
import Learners
import State
import StreamLearning
import Testing

@testable import Engine

@Suite("What a deployment is said to need")
struct CapacityTests {
    /// Ratings and signals of users and items drawn evenly, times in milliseconds.
    private func stream(_ count: Int, users: Int, items: Int) -> [Event] {
        var random = KeyedRandom(seed: 3)
        return (0..<count).map { number in
            let (user, item) = (
                id("user\(random.next(below: users))"), id("item\(random.next(below: items))")
            )
            let time = 1_700_000_000_123 + Int64(number) * 1_001
            return Event(
                .rating(user: user, item: item, value: Float(1 + random.next(below: 5))), time: time)
        }
    }

    private func models(_ name: String) -> [ModelOptions] {
        let liked = PositiveRule(ratingMin: 4)
        return switch name {
        case "mlp": [ModelOptions(name: "m", learner: .mlp(.live))]
        case "als": [ModelOptions(name: "a", learner: .als(.live, positive: liked))]
        case "counters":
            [
                ModelOptions(name: "p", learner: .counter(CounterOptions(.popular), positive: liked)),
                ModelOptions(name: "n", learner: .counter(CounterOptions(.next), positive: liked)),
            ]
        default: ModelOptions.defaults
        }
    }

    @Test(
        "is what a state of that size takes, part by part", arguments: ["default", "als", "counters", "mlp"])
    func prediction(of kind: String) async throws {
        var options = smallOptions(shards: 2)
        options.state.factors = 32
        options.state.models = models(kind)
        let (users, items) = (6_000, 1_500)
        let state = learned(batches(stream(40_000, users: users, items: items), sizes: [4_000]), options)
        let pairs = (0..<items).reduce(0) { $0 + Int(state.stats[$1].users) }
        var size = DeploymentSize(users: users, items: items, events: 40_000, pairs: pairs)
        size.idBytes = 8
        size.liked = pairs * 2 / 5
        let expected = CapacityEstimate(of: size, options: options, hasKafka: false).memory.state
        let measured = state.memory()
        // Of the users' rows some are spare.
        #expect(abs(Double(measured.sum - expected.sum)) < 0.15 * Double(expected.sum))
        #expect(abs(Double(measured.histories - expected.histories)) < 0.15 * Double(expected.histories))
        #expect(abs(Double(measured.items - expected.items)) < 0.3 * Double(expected.items))
    }

    @Test("grows with users, models and factors, and not with events beyond what is kept")
    func direction() {
        func sum(_ users: Int, events: Int = 1_000_000, _ change: (inout EngineOptions) -> Void = { _ in })
            -> Int
        {
            var options = smallOptions()
            change(&options)
            let size = DeploymentSize(users: users, items: 10_000, events: events, pairs: 500_000)
            return CapacityEstimate(of: size, options: options, hasKafka: true).memory.sum
        }
        #expect(sum(200_000) > sum(100_000))
        #expect(sum(100_000) { $0.state.factors = 64 } > sum(100_000))
        #expect(sum(100_000) { $0.state.models.removeLast() } < sum(100_000))
        #expect(sum(100_000, events: 10_000_000) == sum(100_000))
    }
}
