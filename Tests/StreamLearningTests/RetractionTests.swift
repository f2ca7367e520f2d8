import Engine
import EngineSupport
import Events
import Factors
import Learners
import Testing

@testable import State
@testable import StreamLearning

@Suite("A retraction that corrects")
struct RetractionTests {
    private func stream() -> [Event] {
        var random = KeyedRandom(seed: 12)
        return events(1_500, seed: 12).flatMap { event -> [Event] in
            guard case .rating(let user, let item, _) = event.kind, random.next(below: 4) == 0 else {
                return [event]
            }
            return [event, Event(.retract(user: user, item: item), time: event.time)]
        }
    }

    @Test("is a function of the log alone, and another one than forgetting; history and counts are the same")
    func deterministic() {
        var options = smallOptions()
        options.state.deterministic = true
        let forgetting = learned(batches(stream(), sizes: [400]), options)
        options.learning.retraction = .correct
        let one = learned(batches(stream(), sizes: [400]), options)
        let many = learned(batches(stream(), sizes: [7, 91, 300]), options)
        #expect(one.digest() == many.digest())
        #expect(one.digest() != forgetting.digest())
        #expect(one.violations().isEmpty)
        for item in 0..<one.stats.count {
            #expect(one.stats[item].users == forgetting.stats[item].users)
            #expect(one.models.map { $0.positives[item] } == forgetting.models.map { $0.positives[item] })
        }
    }

    @Test("takes a rating's step back, and most of a pair's")
    func steps() {
        let (users, items) = (FactorTable(factors: 16), FactorTable(factors: 16))
        var random = KeyedRandom(seed: 3)
        func fill(_ row: Row) {
            for lane in row.indices {
                for place in 0..<8 { row[lane][place] = 0.15 * Float(random.nextNormal()) }
            }
        }
        users.grow(to: 1) { _, row in fill(row) }
        items.grow(to: 2) { _, row in fill(row) }
        func numbers() -> [Float] {
            [users.row(0), items.row(0)].flatMap { row in
                row.indices.flatMap { lane in (0..<8).map { row[lane][$0] } } + [row.bias]
            }
        }
        func distance(_ one: [Float], _ other: [Float]) -> Float {
            zip(one, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }
        let scratch = Scratch(factors: 16)
        let sgd = BiasedSGD(options: .live, updateGuard: UpdateGuard(normMax: 100))
        var before = numbers()
        _ = sgd.update(
            rating: 1.5, mean: 0, user: users.row(0), item: items.row(0), itemRatings: 9, scratch: scratch)
        var learned = numbers()
        let result = sgd.unlearn(
            rating: 1.5, user: users.row(0), item: items.row(0), itemRatings: 9, scratch: scratch)
        #expect(result == .applied)
        #expect(distance(numbers(), before) < 0.35 * distance(learned, before))
        fill(users.row(0))
        for item in 0..<2 { fill(items.row(item)) }
        let bpr = BPR(options: .live, updateGuard: UpdateGuard(normMax: 100))
        before = numbers()
        _ = bpr.update(
            weight: 1, user: users.row(0), positive: items.row(0), negative: items.row(1), scratch: scratch)
        learned = numbers()
        _ = bpr.unlearn(
            weight: 1, user: users.row(0), positive: items.row(0), negative: items.row(1), scratch: scratch)
        #expect(distance(numbers(), before) < 0.5 * distance(learned, before))
    }
}
