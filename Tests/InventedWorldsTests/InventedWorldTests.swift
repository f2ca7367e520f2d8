import Events
import Testing

@testable import InventedWorlds

@Suite("The world of films")
struct FilmWorldTests {
    @Test("one seed gives one stream, another seed another")
    func determinism() throws {
        let first = try events(seed: 7)
        #expect(try events(seed: 7) == first)
        #expect(try events(seed: 8) != first)
    }

    @Test("the stream of a seed stays the same from release to release")
    func pinned() throws {
        let text = try events(seed: 7).map { EventEncoder.encode($0, options: EventOptions()) }.joined()
        // FNV-1a, 64 bits.
        let digest = text.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        #expect(String(digest, radix: 16) == "c6253597aa4b4ef7")
    }

    @Test("items come first, times never go back, and every event keeps the limits")
    func shape() throws {
        let all = try events(seed: 3)
        let isItem = all.map { event in
            if case .item = event.kind { true } else { false }
        }
        #expect(isItem == Array(repeating: true, count: 60) + Array(repeating: false, count: 6_000))
        let times = all.compactMap(\.time)
        #expect(times.count == all.count && times == times.sorted())
        for event in all {
            try EventOptions().check(event)
            guard case .rating(_, _, let value) = event.kind else { continue }
            #expect((0.5...5).contains(value) && (value * 2).rounded() == value * 2)
        }
    }

    @Test("users come over time, and some items are more popular than the rest")
    func skew() throws {
        let all = try events(seed: 5).dropFirst(60)
        let half = all.count / 2
        let (early, ever) = (Set(all.prefix(half).map(\.key)).count, Set(all.map(\.key)).count)
        #expect(early < ever * 3 / 4)
        var counts: [EntityID: Int] = [:]
        for event in all {
            guard case .rating(_, let item, _) = event.kind else { continue }
            counts[item, default: 0] += 1
        }
        let sorted = counts.values.sorted(by: >)
        let top = sorted.prefix(6).reduce(0, +) / 6
        let bottom = sorted.suffix(30).reduce(0, +) / 30
        #expect(2 * top > 3 * bottom)
    }

    @Test("users rate the genres they like higher than those they dislike")
    func planted() throws {
        var world = try FilmWorld(options(seed: 11, drift: 0))
        var liked: [Float] = []
        var disliked: [Float] = []
        while let event = try world.next() {
            guard case .rating(let user, let item, let value) = event.kind else { continue }
            let tastes = try #require(world.users.first { $0.id == user }).tastes
            let genres = try #require(world.items.first { $0.id == item }).genres
            let taste = genres.reduce(0) { $0 + tastes[$1] } / Double(genres.count)
            if taste > 0.5 { liked.append(value) }
            if taste < -0.5 { disliked.append(value) }
        }
        #expect(liked.count > 100 && disliked.count > 100)
        #expect(mean(liked) > mean(disliked) + 1)
    }

    private func mean(_ values: [Float]) -> Float { values.reduce(0, +) / Float(values.count) }

    private func options(seed: UInt64, drift: Double = 0.01) -> InventedWorld.Options {
        InventedWorld.Options(.films, users: 80, items: 60, events: 6_000, seed: seed, drift: drift)
    }

    private func events(seed: UInt64) throws -> [Event] {
        var world = try InventedWorld(options(seed: seed))
        var events: [Event] = []
        while let event = try world.next() { events.append(event) }
        return events
    }

    @Test("the chances of what is chosen are those that choosing has")
    func odds() {
        var draws = SplitMix64(seed: 3)
        let weights = (1...30).map { 1 / Double($0).squareRoot() }
        let likings = weights.map { _ in draws.normal() }
        let isSeen = weights.indices.map { $0 % 4 == 1 }
        for compared in [1, 3, 12] {
            let chances = FilmOdds().chances(
                weights: weights, likings: likings, isSeen: isSeen, compared: compared)
            #expect(abs(chances.reduce(0, +) - 1) < 0.005)
            var counts = [Double](repeating: 0, count: weights.count)
            let trials = 40_000.0
            for _ in 0..<Int(trials) {
                let drawn = (0..<compared).map { _ in
                    draws.index(byWeights: weights, sum: weights.reduce(0, +))
                }
                let worth = drawn.map { likings[$0] + 0.5 * draws.normal() - (isSeen[$0] ? 100 : 0) }
                let best = drawn.indices.max { worth[$0] < worth[$1] } ?? 0
                counts[drawn[best]] += 1
            }
            for (item, chance) in chances.enumerated() {
                let error = (chance * (1 - chance) / trials).squareRoot()
                #expect(
                    abs(counts[item] / trials - chance) < 5 * error + 0.002, "item \(item) of \(compared)")
            }
        }
        #expect(abs(FilmOdds().isAbove(0) - 0.5) < 1e-9)
        #expect(FilmOdds().isAbove(-20) == 1 && FilmOdds().isAbove(20) == 0)
    }
}
