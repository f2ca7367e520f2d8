import Blending
import Checkpoints
import Engine
import EngineSupport
import Events
import Factors
import FeatureMaps
import Identities
import Learners
import Locking
import State
import TestSupport
import Testing

@testable import StreamLearning

/// An item that nobody has taken stands where its tags say.
@Suite("Priors from features on the stream")
struct FeaturePriorsTests {
    private func options(isOn: Bool = true, shards: Int = 1) -> EngineOptions {
        var options = smallOptions(shards: shards)
        options.state.deterministic = shards == 1
        options.state.priors.isOn = isOn
        (options.state.priors.eventsMin, options.state.priors.eventsMax) = (512, 1_024)
        options.state.models.append(
            ModelOptions(name: "warp", learner: .warp(.live, positive: PositiveRule(ratingMin: 4))))
        options.state.models.append(
            ModelOptions(name: "als", learner: .als(.live, positive: PositiveRule(ratingMin: 4))))
        for number in options.state.models.indices { options.state.models[number].usesPriors = true }
        // Weighs what is liked by the same features.
        options.state.models.append(
            ModelOptions(name: "blend", learner: .blend(BlendOptions(), positive: PositiveRule(ratingMin: 4)))
        )
        return options
    }

    private func describe(_ item: String, _ tags: [String]) -> Event {
        Event(.item(ItemDescription(item: id(item), tags: tags)))
    }

    /// Two tastes with tags that tell them; users like what is theirs.
    private func tagged(_ count: Int, seed: UInt64 = 1) -> [Event] {
        var random = KeyedRandom(seed: seed)
        var events = (0..<60).map { describe("i\($0)", ["taste\($0 % 2)", "noise\($0 % 5)"]) }
        for index in 0..<count {
            let user = random.next(below: 50)
            let own = random.nextUnit() < 0.8
            let item = random.next(below: 30) * 2 + (own ? user % 2 : 1 - user % 2)
            let value: Float = own ? 5 : 2
            events.append(
                Event(
                    .rating(user: id("u\(user)"), item: id("i\(item)"), value: value),
                    time: Int64(index) * 1_000))
            if index % 97 == 5 {
                events.append(describe("i\(item)", ["taste\(item % 2)", "more\(index % 3)"]))
            }
            if index % 211 == 7 { events.append(Event(.forget(user: id("u\(user)")))) }
        }
        return events
    }

    /// By how much two users of either taste differ over an item, in a model.
    private func leaning(_ state: LearnedState, _ item: String, model: Int) -> Float {
        guard let row = state.items.read({ $0.row(of: id(item)) }) else { return .nan }
        func mean(_ taste: Int) -> Float {
            let scores = (0..<50).filter { $0 % 2 == taste }.compactMap { user -> Float? in
                guard let number = state.users.read({ $0.row(of: id("u\(user)")) }) else { return nil }
                let shard = state.shard(of: number)
                return shard.tables[model].row(shard.local(number)).dot(
                    state.models[model].items.row(Int(row)))
            }
            return scores.reduce(0, +) / Float(max(1, scores.count))
        }
        return mean(0) - mean(1)
    }

    @Test(
        "an item described a moment ago leans to those who like such items, in every model that learns rows")
    func newItem() {
        let events = tagged(6_000) + [describe("even", ["taste0"]), describe("odd", ["taste1"])]
        let state = learned(batches(events, sizes: [256]), options())
        #expect(state.priors.names.contains("taste0"))
        for model in state.models.indices where state.models[model].options.learnsRows {
            let (even, odd) = (leaning(state, "even", model: model), leaning(state, "odd", model: model))
            let name = state.models[model].options.name
            #expect(even > 0 && odd < 0, "\(name): \(even) and \(odd)")
        }
        let off = learned(batches(events, sizes: [256]), options(isOn: false))
        #expect(!off.priors.hasMaps && off.priors.bytes == 0)
        #expect(off.digest() != state.digest())
    }

    @Test("without tags all is as if there were no priors")
    func untagged() {
        let events = events(3_000).filter { if case .item = $0.kind { false } else { true } }
        let on = learned(batches(events, sizes: [128]), options())
        let off = learned(batches(events, sizes: [128]), options(isOn: false))
        #expect(on.digest() == off.digest())
    }

    @Test("how batches are cut decides nothing", arguments: [[1], [7, 1, 300], [4_000]])
    func batching(sizes: [Int]) {
        let events = tagged(2_500)
        let state = learned(batches(events, sizes: sizes), options())
        #expect(state.priors.hasMaps)
        #expect(state.digest() == learned(batches(events, sizes: [64]), options()).digest())
    }

    @Test("a state stored and read back between any two batches ends in the digest of one that never was")
    func resumed() throws {
        let folder = Folder()
        let options = options()
        let models = Dictionary(uniqueKeysWithValues: options.state.models.map { ($0.name, $0.learnerName) })
        let identity = StateIdentity(factors: options.state.factors, models: models, source: "test")
        let all = batches(tagged(2_500), sizes: [180])
        for batch in all {
            let state = LearnedState(options: options.state)
            let file = try StateFile(path: folder.state, identity: identity)
            try file.read(into: StateLoader(state: state, path: folder.state))
            BatchApplication(state: state, options: options.learning).apply(batch)
            try file.write(state.collectChanges())
            try file.close()
        }
        let back = LearnedState(options: options.state)
        try StateFile(path: folder.state, identity: identity).read(
            into: StateLoader(state: back, path: folder.state))
        #expect(back.priors.hasMaps)
        #expect(back.digest() == learned(all, options).digest())
        #expect(try StateFile.verify(path: folder.state).problems == [])
    }

    @Test("several shards learn with priors too, and every row stays a number")
    func shards() {
        let state = learned(
            batches(tagged(4_000) + [describe("even", ["taste0"])], sizes: [512]), options(shards: 3))
        #expect(state.violations() == [])
        #expect(leaning(state, "even", model: 1) > 0)
    }
}
