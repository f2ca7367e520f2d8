import Testing

@testable import Access

@Suite("Limits of each peer")
struct PeerLimitTests {
    private let start = ContinuousClock.now

    @Test(
        "over any time no more than the rate and one second's worth is taken, whatever the steps",
        arguments: 0..<8)
    func rate(seed: Int) {
        var numbers = SystemNumbers(state: UInt64(seed + 1))
        var bucket = RateBucket(perSecond: 100, at: start)
        var (now, taken) = (start, 0)
        for _ in 0..<5_000 {
            now += .microseconds(Int64.random(in: 0...5_000, using: &numbers))
            if bucket.take(1, perSecond: 100, at: now) == nil { taken += 1 }
        }
        let seconds = Double((now - start).components.seconds) + 1
        #expect(Double(taken) <= 100 * seconds + 101)
        #expect(Double(taken) >= 100 * (seconds - 2))
    }

    @Test("a batch larger than the bucket is taken whole, and what follows waits for it")
    func batches() {
        var bucket = RateBucket(perSecond: 100, at: start)
        #expect(bucket.take(1_000, perSecond: 100, at: start) == nil)
        let wait = bucket.take(1, perSecond: 100, at: start)
        #expect(wait == .seconds(9.01))
        #expect(bucket.take(1, perSecond: 100, at: start + .seconds(9)) != nil)
        #expect(bucket.take(1, perSecond: 100, at: start + .seconds(9.1)) == nil)
    }

    @Test("all connections of a name share its limit, and others have their own")
    func sharing() throws {
        let rules = AccessRules(
            users: ["shop": NamedUser(role: .feed, hashes: [])], commandsPerSecond: 5, eventsPerSecond: 3)
        let access = AccessControl(rules)
        let shop = Identity(name: "shop", role: .feed)
        let (here, there) = (Peer.process(id: 1, user: 1, groups: [1]), Peer.address("10.0.0.1"))
        let limits = [access.limit(of: shop, here), access.limit(of: shop, there)]
        #expect(limits[0] === limits[1])
        var (refused, last) = (0, "")
        for index in 0..<1_000 {
            do throws(LimitRefusal) {
                try access.admit(commands: 1, by: limits[index % 2])
            } catch {
                (refused, last) = (refused + 1, error.description)
            }
        }
        // A thousand in well under the 190 seconds that they would be allowed in.
        #expect(refused > 0)
        #expect(last.contains("access.commands-per-second is 5, and shop has used it up"))
        try access.admit(commands: 1, by: access.limit(of: nil, here))
        try access.admit(events: 1_000, by: limits[0])
        #expect(throws: LimitRefusal.self) { try access.admit(events: 1, by: limits[1]) }
        try access.admit(events: 0, by: limits[1])
        access.change(to: AccessRules())
        try access.admit(events: 1, by: limits[1])
    }
}

/// The same numbers in each run.
private struct SystemNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
