import Events
import Testing

@testable import InventedWorlds

@Suite("All invented worlds")
struct WorldTests {
    @Test("one seed gives one stream, another seed another, whether or not the truth is asked for")
    func determinism() throws {
        for name in InventedWorld.Name.allCases {
            let first = try events(options(name, seed: 7))
            #expect(try events(options(name, seed: 7)) == first)
            #expect(try events(options(name, seed: 7, tellsTruth: true)) == first)
            #expect(try events(options(name, seed: 8)) != first)
        }
    }

    @Test("the stream of a seed stays the same from release to release")
    func pinned() throws {
        for (name, expected) in [
            (InventedWorld.Name.shop, "d1131d4ca80dab5d"), (.news, "fc72679a70911eb0"),
        ] {
            let all = try events(options(name, seed: 7))
            let text = all.map { EventEncoder.encode($0, options: EventOptions()) }.joined()
            // FNV-1a, 64 bits.
            let digest = text.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
                ($0 ^ UInt64($1)) &* 0x100_0000_01B3
            }
            #expect(String(digest, radix: 16) == expected, "\(name)")
        }
    }

    @Test("there are as many acts as asked for, in the order of time, each on what was described before")
    func shape() throws {
        for name in InventedWorld.Name.allCases {
            let all = try events(options(name, seed: 3))
            var described: Set<EntityID> = []
            var acts = 0
            for event in all {
                let item = try #require(event.item)
                if case .item(let description) = event.kind {
                    #expect(description.title != nil && description.tags?.isEmpty == false)
                    #expect(described.insert(item).inserted)
                } else {
                    acts += 1
                    #expect(described.contains(item))
                }
            }
            #expect(acts == 4_000)
            let times = all.compactMap(\.time)
            #expect(times.count == all.count && times == times.sorted())
        }
    }

    @Test("what the oracle expects is what it reaches")
    func oracle() throws {
        for name in InventedWorld.Name.allCases {
            for seed in [1, 2] as [UInt64] {
                var summary = TruthSummary()
                var world = try InventedWorld(
                    InventedWorld.Options(
                        name, users: 150, items: 120, events: 12_000, seed: seed, tellsTruth: true))
                while let event = try world.next() {
                    if case .item = event.kind { continue }
                    summary.add(world.truth)
                }
                #expect(summary.acts == 12_000)
                for figure in [summary.new] + (name.repeats ? [summary.allowed] : []) {
                    #expect(figure.events > 1_500 && figure.expected > 0.1 && figure.expected < 0.95)
                    let difference = abs(figure.reached - figure.expected)
                    #expect(difference < 3.5 * figure.standardError, "\(name) \(seed): \(figure)")
                }
            }
        }
    }

    @Test("what is tiny is no trouble")
    func tiny() throws {
        for name in InventedWorld.Name.allCases {
            var world = try InventedWorld(
                InventedWorld.Options(name, users: 1, items: 1, events: 5, tellsTruth: true))
            var acts = 0
            while let event = try world.next() {
                if case .item = event.kind { continue }
                acts += 1
            }
            #expect(acts == 5)
        }
    }

    private func options(
        _ name: InventedWorld.Name, seed: UInt64, tellsTruth: Bool = false
    ) -> InventedWorld.Options {
        InventedWorld.Options(name, users: 80, items: 60, events: 4_000, seed: seed, tellsTruth: tellsTruth)
    }
}

@Suite("The world of news")
struct NewsWorldTests {
    @Test("stories live for hours, and there are about as many at once as asked for")
    func lives() throws {
        let all = try events(InventedWorld.Options(.news, users: 500, items: 100, events: 60_000))
        var spans: [EntityID: (first: Int64, last: Int64, clicks: Int)] = [:]
        for event in all {
            guard case .signal(_, let item, let name) = event.kind, let time = event.time else { continue }
            #expect(name == "click")
            let span = spans[item] ?? (time, time, 0)
            spans[item] = (span.first, time, span.clicks + 1)
        }
        let hours = spans.values.filter { $0.clicks >= 20 }.map { Double($0.last - $0.first) / 3_600_000 }
            .sorted()
        #expect(hours.count > 50)
        #expect((0.5...8).contains(hours[hours.count / 2]) && (hours.last ?? 99) < 24)

        var world = try NewsWorld(InventedWorld.Options(.news, items: 100, events: 30_000))
        var counts: [Int] = []
        while try world.next() != nil { counts.append(world.about.count) }
        let mean = Double(counts.reduce(0, +)) / Double(counts.count)
        #expect((75...125).contains(mean), "\(mean)")
    }

    @Test("users come in sessions, read nothing twice, and some stories are read by many")
    func sessions() throws {
        let all = try events(InventedWorld.Options(.news, users: 500, items: 100, events: 30_000))
        var last: [EntityID: Int64] = [:]
        var (soon, later) = (0, 0)
        var pairs: Set<[EntityID]> = []
        var counts: [EntityID: Int] = [:]
        for event in all {
            guard case .signal(let user, let item, _) = event.kind, let time = event.time else { continue }
            #expect(pairs.insert([user, item]).inserted)
            counts[item, default: 0] += 1
            if let before = last[user] {
                if time - before <= 75_000 { soon += 1 } else { later += 1 }
            }
            last[user] = time
        }
        // Three in five sessions' clicks are followed by another.
        let share = Double(soon) / Double(soon + later)
        #expect((0.55...0.68).contains(share), "\(share)")
        let sorted = counts.values.sorted(by: >)
        #expect(sorted.prefix(sorted.count / 10).reduce(0, +) > 30_000 / 4)
    }

    @Test("what a story leads to is likelier than it would be by itself")
    func links() throws {
        var world = try NewsWorld(InventedWorld.Options(.news, users: 500, items: 100, events: 2_000))
        while try world.next() != nil {}
        let user = world.users.count - 1
        let last = try #require(world.about.first { !world.stories[$0].links.isEmpty })
        let (plain, led) = (world.chances(of: user, last: nil), world.chances(of: user, last: last))
        #expect(abs(plain.reduce(0, +) - 1) < 1e-9 && abs(led.reduce(0, +) - 1) < 1e-9)
        for (index, number) in world.about.enumerated() where plain[index] > 0 {
            guard world.stories[last].links.contains(number) else { continue }
            #expect(led[index] > plain[index] * 0.55 + NewsWorld.followsLink / Double(NewsWorld.links) - 1e-9)
        }
    }
}

@Suite("The world of a shop")
struct ShopWorldTests {
    @Test("baskets share a time, hold nothing twice, and most of what is bought was bought before")
    func baskets() throws {
        let all = try events(InventedWorld.Options(.shop, users: 100, items: 300, events: 30_000))
        var baskets: [EntityID: [Int64: Set<EntityID>]] = [:]
        var bought: Set<[EntityID]> = []
        var (again, acts) = (0, 0)
        for event in all {
            guard case .signal(let user, let item, let name) = event.kind, let time = event.time else {
                continue
            }
            #expect(name == "purchase")
            #expect(baskets[user, default: [:]][time, default: []].insert(item).inserted)
            if !bought.insert([user, item]).inserted { again += 1 }
            acts += 1
        }
        let share = Double(again) / Double(acts)
        #expect((0.6...0.9).contains(share), "\(share)")
        let sizes = baskets.values.flatMap { $0.values.map(\.count) }
        let mean = Double(sizes.reduce(0, +)) / Double(sizes.count)
        #expect((11...13).contains(mean) && sizes.contains(1) && (sizes.max() ?? 0) >= 25, "\(mean)")
    }

    @Test("what was just bought waits for its pace")
    func pace() {
        let day: Int64 = 86_400_000
        let habit = ShopWorld.Habit(product: 3, pace: 10, strength: 2, last: 5 * day)
        #expect(habit.need(at: 5 * day) == 0 && habit.need(at: 6 * day) < 0.001)
        #expect(abs(habit.need(at: 15 * day) - 1) < 1e-9)
        #expect(habit.need(at: 100 * day) > 1.99)
    }

    @Test("in time a household buys at its own paces")
    func paces() throws {
        var world = try ShopWorld(InventedWorld.Options(.shop, users: 20, items: 200, events: 20_000))
        var gaps: [[EntityID]: [Int64]] = [:]
        var last: [[EntityID]: Int64] = [:]
        while let event = try world.next() {
            guard case .signal(let user, let item, _) = event.kind, let time = event.time else { continue }
            if let before = last[[user, item]] { gaps[[user, item], default: []].append(time - before) }
            last[[user, item]] = time
        }
        var (quick, slow): ([Double], [Double]) = ([], [])
        for household in world.households {
            for habit in household.habits {
                let own = gaps[[household.id, world.products[habit.product].id]] ?? []
                guard own.count >= 5 else { continue }
                let median = Double(own.sorted()[own.count / 2]) / 86_400_000
                if habit.pace < 8 { quick.append(median) }
                if habit.pace > 20 { slow.append(median) }
            }
        }
        #expect(quick.count > 10 && slow.count > 5)
        #expect(mean(slow) > 1.5 * mean(quick), "\(mean(slow)) \(mean(quick))")
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}

@Suite("What the oracle thinks")
struct ChoiceTruthTests {
    @Test("only what somebody took can be named, and what is new is judged among what is new")
    func standings() throws {
        var onlooker = Onlooker()
        #expect(onlooker.truth(user: 0, item: 1, items: nil, chances: [0.5, 0.3, 0.2]) == nil)
        onlooker.hear(user: 0, item: 0)
        onlooker.hear(user: 1, item: 1)
        let truth = try #require(onlooker.truth(user: 0, item: 1, items: nil, chances: [0.5, 0.3, 0.2]))
        #expect(truth.among == ChoiceTruth.Standing(place: 2, candidates: 2, best: 0.8))
        #expect(truth.amongNew == ChoiceTruth.Standing(place: 1, candidates: 1, best: 0.6))
        let again = try #require(onlooker.truth(user: 0, item: 0, items: nil, chances: [0.5, 0.3, 0.2]))
        #expect(again.among.place == 1 && again.amongNew == nil)
        // Item 2 was never taken: nobody could have named it.
        let first = try #require(onlooker.truth(user: 0, item: 2, items: nil, chances: [0.5, 0.3, 0.2]))
        #expect(first.among.place == nil && first.amongNew?.place == nil)
    }

    @Test("ten are named, the likeliest ones")
    func ten() throws {
        var onlooker = Onlooker()
        for item in 0..<20 { onlooker.hear(user: 1, item: item) }
        onlooker.hear(user: 0, item: 20)
        let chances = (0..<21).map { $0 == 20 ? 0 : Double($0) }
        let truth = try #require(onlooker.truth(user: 0, item: 9, items: nil, chances: chances))
        #expect(truth.among.place == 11)
        #expect(abs(truth.among.best - Double((10...19).reduce(0, +)) / 190) < 1e-12)
    }

    @Test("a line is read as it was written")
    func lines() {
        let standing = ChoiceTruth.Standing(place: 3, candidates: 50, best: 0.1 + 0.2)
        let first = ChoiceTruth.Standing(place: nil, candidates: 20, best: 0.25)
        for truth in [
            nil, ChoiceTruth(among: standing, amongNew: nil), ChoiceTruth(among: first, amongNew: first),
        ] {
            let line = TruthLine(user: "u1", item: "i2", truth: truth)
            #expect(TruthLine(line.text) == line)
            #expect(line.text.split(separator: ",", omittingEmptySubsequences: false).count == 8)
        }
        for text in ["", "u1,i2", "u1,i2,9,3,0.5,,,", "u1,i2,x,3,0.5,,,", "u1,i2,,,,1,3,0.5"] {
            #expect(TruthLine(text) == nil, "\(text)")
        }
    }
}

/// All that a world does.
private func events(_ options: InventedWorld.Options) throws -> [Event] {
    var world = try InventedWorld(options)
    var events: [Event] = []
    while let event = try world.next() { events.append(event) }
    return events
}
