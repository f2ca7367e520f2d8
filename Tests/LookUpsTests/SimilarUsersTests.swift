import Dispatch
import EngineSupport
import Events
import Factors
import State
import Testing

@testable import Engine
@testable import LookUps

@Suite("Similar users")
struct SimilarUsersTests {
    private func naive(
        _ live: LiveEngine, _ user: EntityID, model: Int, _ metric: SimilarQuery.Metric
    ) -> [(id: EntityID, score: Float)] {
        var vectors: [(id: EntityID, vector: [Float])] = []
        for shard in live.engine.state.shards {
            shard.queue.sync {
                for (local, user) in shard.users.enumerated() {
                    if let id = user.id { vectors.append((id, shard.tables[model].row(local).vector)) }
                }
            }
        }
        let own = vectors.first { $0.id == user }?.vector ?? []
        func norm(_ vector: [Float]) -> Float { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        let scored = vectors.filter { $0.id != user }.map { other in
            let dot = zip(own, other.vector).reduce(0) { $0 + $1.0 * $1.1 }
            let distance = norm(zip(own, other.vector).map { $0 - $1 })
            let score =
                switch metric {
                case .dot: dot
                case .cosine: dot / (norm(own) * norm(other.vector))
                case .l2: distance
                }
            return (id: other.id, score: score)
        }
        return scored.sorted { metric == .l2 ? $0.score < $1.score : $0.score > $1.score }
    }

    @Test(
        "the nearest of all users on any number of shards, as a plain pass finds them",
        arguments: [1, 3], SimilarQuery.Metric.allCases)
    func exact(shards: Int, metric: SimilarQuery.Metric) async throws {
        let live = try LiveEngine(smallOptions(shards: shards))
        try await live.feed(events(2_000) + [Event(.forget(user: id("u7")))])
        for (number, model) in ["stars", "likes"].enumerated() {
            let expected = naive(live, id("u2"), model: number, metric)
            let found = try live.engine.similarUsers(
                SimilarUsersQuery(user: id("u2"), count: 10, model: model, metric: metric))
            #expect(found.map(\.id) == expected.prefix(10).map(\.id))
            for (left, right) in zip(found, expected) { #expect(abs(left.score - right.score) < 1e-4) }
            #expect(!found.contains { $0.id == id("u7") || $0.id == id("u2") })
            let all = try live.engine.similarUsers(
                SimilarUsersQuery(user: id("u2"), count: 10_000, model: model, metric: metric))
            #expect(all.count == expected.count, "fewer users than asked for is an answer")
        }
        try live.stop()
    }

    @Test("users of one taste are near each other")
    func taste() async throws {
        let live = try LiveEngine()
        try await live.feed(events(12_000))
        let near = try live.engine.similarUsers(SimilarUsersQuery(user: id("u2"), count: 20, model: "likes"))
        let own = near.count { Int($0.id.string.dropFirst()).map { $0 % 2 == 0 } ?? false }
        #expect(own >= 16)
        try live.stop()
    }

    @Test("more users than one turn looks at are all looked at, while others are learned")
    func turns() async throws {
        let live = try LiveEngine(smallOptions(shards: 2))
        let crowd = (0..<9_000).map {
            Event(.rating(user: id("c\($0)"), item: id("i\($0 % 50)"), value: Float(1 + $0 % 5)))
        }
        try await live.feed(crowd)
        let all = try live.engine.similarUsers(SimilarUsersQuery(user: id("c0"), count: 10_000))
        #expect(all.count == 8_999)
        #expect(Set(all.map(\.id)).count == 8_999)
        async let feeding: Void = live.feed(events(1_000))
        for _ in 0..<20 {
            let near = try live.engine.similarUsers(SimilarUsersQuery(user: id("c0"), count: 100))
            #expect(near.count == 100)
            #expect(near.allSatisfy { $0.score.isFinite })
        }
        try await feeding
        try live.stop()
    }

    @Test("unknown users and models are refused by their codes")
    func unknown() async throws {
        let live = try LiveEngine()
        try await live.feed(events(100))
        func code(_ user: String, _ model: String?) -> LookupError.Code? {
            #expect(throws: LookupError.self) {
                try live.engine.similarUsers(SimilarUsersQuery(user: id(user), model: model))
            }?.code
        }
        #expect(code("nobody", nil) == .noUser)
        #expect(code("u1", "?") == .noModel)
        try live.stop()
    }
}
