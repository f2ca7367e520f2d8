import Engine
import EngineSupport
import Events
import Factors
import Foundation
import Learners
import LiveScores
import State
import Testing

@testable import StreamLearning

@Suite("Ratings without a scale, on the stream")
struct RatingScaleTests {
    /// Few users and items, met again and again, each with a taste of two numbers.
    private func ratings(_ count: Int, map: (Float) -> Float) -> [Event] {
        var random = KeyedRandom(seed: 7)
        let users = (0..<60).map { _ in (random.nextNormal(), random.nextNormal()) }
        let items = (0..<80).map { _ in (random.nextNormal(), random.nextNormal()) }
        return (0..<count).map { number in
            let (user, item) = (random.next(below: 60), random.next(below: 80))
            let taste = users[user].0 * items[item].0 + users[user].1 * items[item].1
            let stars = (3 + 0.8 * taste + 0.3 * random.nextNormal()).rounded()
            return Event(
                .rating(user: id("u\(user)"), item: id("i\(item)"), value: map(Float(min(5, max(1, stars))))),
                time: Int64(number) * 1000)
        }
    }

    private func errors(_ map: (Float) -> Float) -> (rmse: Double, means: Double, rejected: Int) {
        var options = smallOptions()
        options.state.models = [ModelOptions(name: "stars", learner: .sgd(.live))]
        let state = learned(batches(ratings(6_000, map: map), sizes: [500]), options)
        let total = state.models[0].score.total
        return (
            (total.model / Double(total.count)).squareRoot(),
            (total.baseline / Double(total.count)).squareRoot(), state.models[0].rejected
        )
    }

    @Test(
        "ratings of any range are learned as well as stars: ratings to 100 left sgd 45 times behind the means",
        arguments: [(20, 0), (200_000, 0), (5, -15), (0.001, 0), (1, 1_000)] as [(Float, Float)])
    func anyRange(scale: Float, offset: Float) {
        let stars = errors { $0 }
        #expect(stars.rejected == 0 && stars.rmse < 0.95 * stars.means)
        let other = errors { $0 * scale + offset }
        #expect(other.rejected == 0)
        #expect(abs(other.rmse / Double(scale) - stars.rmse) < 2e-3 * stars.rmse)
    }

    @Test("where all ratings are equal that rating is predicted, and the first other one does no harm")
    func constantStream() {
        var options = smallOptions()
        options.state.models = [ModelOptions(name: "stars", learner: .sgd(.live))]
        let equal = ratings(3_000) { _ in 4 }
        let state = learned(batches(equal, sizes: [500]), options)
        #expect(state.ratings.scale == RatingScale(mean: 4, deviation: 0))
        #expect(state.models[0].score.total.model == 0 && state.models[0].rejected == 0)
        let other = Event(.rating(user: id("u1"), item: id("i1"), value: 1), time: 4_000_000)
        let after = learned(batches(equal + [other] + ratings(500) { _ in 4 }, sizes: [500]), options)
        #expect(after.models[0].rejected == 0)
        #expect((0..<after.models[0].items.count).allSatisfy { abs(after.models[0].items.bias($0)) < 6 })
    }

    @Test(
        "the past ratings that are learned again are of items of the lease alone: any number of shards is sound"
    )
    func shards() {
        var options = smallOptions(shards: 3)
        options.state.models = [ModelOptions(name: "stars", learner: .sgd(.live))]
        let state = learned(batches(ratings(4_000) { $0 }, sizes: [800]), options)
        #expect(state.models[0].rejected == 0)
        let total = state.models[0].score.total
        #expect(total.model < total.baseline)
    }
}
