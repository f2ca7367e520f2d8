import Engine
import EngineSupport
import Events
import Testing

@testable import LookUps

@Suite("Shares of past items in a score by alternating least squares")
struct ShareTests {
    @Test("the shares, the rest and the drift add up to the score, and the drift is small beside it")
    func addUp() async throws {
        let live = try LiveEngine(fourLearners(), identity: fourIdentity)
        try await live.feed(events(3_000))
        var (shared, whole, drift) = (0, Float(0), Float(0))
        for number in 0..<20 {
            let user = id("u\(number)")
            guard
                let list = try? live.engine.recommend(
                    RecommendQuery(user: user, count: 5, model: "solved", fallback: .none))
            else { continue }
            for item in list.map(\.id) {
                let found = try live.engine.explain(user: user, item: item, model: "solved")
                let rest = try #require(found.rest)
                let shares = try found.carriers.map { try #require($0.share) }
                let sum = shares.reduce(0, +) + rest.others + rest.drift
                #expect(abs(sum - found.match) < 1e-5)
                #expect(shares == shares.sorted(by: >))
                shared += shares.count
                whole += abs(found.match)
                drift += abs(rest.drift)
            }
        }
        #expect(shared > 100)
        #expect(drift < 0.2 * whole)
        try live.stop()
    }

    @Test("models of other kinds have similar items instead")
    func others() async throws {
        let live = try LiveEngine(fourLearners(), identity: fourIdentity)
        try await live.feed(events(1_000))
        for model in ["stars", "likes", "warped"] {
            let found = try live.engine.explain(user: id("u2"), item: id("i3"), model: model)
            #expect(found.rest == nil)
            #expect(found.carriers.allSatisfy { $0.share == nil })
        }
        try live.stop()
    }
}
