import Checkpoints
import Engine
import EngineSupport
import Events
import Factors
import FeatureMaps
import Foundation
import Learners
import State
import TestSupport
import Testing

@testable import StreamLearning

/// Rows are summed up after one event and moved after others, whatever happens in between.
@Suite("Priors that are pending on the stream")
struct PendingPriorsTests {
    /// Due at 256, 512 and then each 2,048; rows move a quarter of that later, eight at a time.
    private func options(shards: Int = 1) -> EngineOptions {
        var options = smallOptions(shards: shards)
        options.state.deterministic = shards == 1
        (options.state.priors.eventsMin, options.state.priors.eventsMax) = (256, 2_048)
        options.state.priors.portionMin = 8
        options.state.models.append(
            ModelOptions(name: "als", learner: .als(.live, positive: PositiveRule(ratingMin: 4))))
        for number in options.state.models.indices { options.state.models[number].usesPriors = true }
        return options
    }

    private func describe(_ item: Int, _ tags: [String]) -> Event {
        Event(.item(ItemDescription(item: id("i\(item)"), tags: tags)))
    }

    /// Ratings, and a catalogue that grows and is described anew all the time, with tags that come and go.
    private func growing(_ count: Int) -> [Event] {
        var random = KeyedRandom(seed: 8)
        var (events, items): ([Event], Int) = ([], 40)
        for item in 0..<items { events.append(describe(item, ["taste\(item % 2)", "noise\(item % 5)"])) }
        for index in events.count..<count {
            let (user, item) = (random.next(below: 40), random.next(below: items))
            switch index % 12 {
            case 3:
                events.append(describe(items, ["taste\(items % 2)", "late\(index / 200)"]))
                items += 1
            case 7: events.append(describe(item, ["taste\(item % 2)", "more\(index / 300)"]))
            case 11 where index % 5 == 0: events.append(Event(.forget(user: id("u\(user)"))))
            default:
                events.append(
                    Event(
                        .rating(
                            user: id("u\(user)"), item: id("i\(item)"),
                            value: (user + item).isMultiple(of: 2) ? 5 : 2), time: Int64(index) * 1_000))
            }
        }
        return events
    }

    private func identity(_ options: EngineOptions) -> StateIdentity {
        StateIdentity(
            factors: options.state.factors,
            models: Dictionary(
                uniqueKeysWithValues: options.state.models.map { ($0.name, $0.learnerName) }), source: "test")
    }

    private func loaded(_ path: String, _ options: EngineOptions) throws -> LearnedState {
        let state = LearnedState(options: options.state)
        let file = try StateFile(path: path, identity: identity(options))
        try file.read(into: StateLoader(state: state, path: path))
        try file.close()
        return state
    }

    @Test("rows move after the event of the ordinal that was set, and of no other")
    func ordinal() {
        let (events, options) = (growing(700), options())
        func state(_ count: Int) -> LearnedState {
            learned(batches(Array(events.prefix(count)), sizes: [97]), options)
        }
        // Begun at 256, with 256 events to go until the next: the first rows move at 320.
        for (count, isPending) in [(255, false), (256, true), (319, true)] {
            let state = state(count)
            #expect(state.priors.moves == isPending && !state.priors.hasMaps, "\(count)")
            #expect(state.priors.prior(ofItem: 0, model: 1) == nil)
        }
        let moving = state(320)
        #expect(moving.priors.prior(ofItem: 7, model: 1) != nil && !moving.priors.hasMaps)
        #expect(moving.priors.prior(ofItem: 8, model: 1) == nil)
        #expect(state(321).priors.prior(ofItem: 8, model: 1) != nil)
        #expect(state(512).priors.hasMaps)
    }

    @Test("how batches are cut decides nothing", arguments: [[1], [7, 1, 300], [4_000]])
    func batching(sizes: [Int]) {
        let events = growing(2_500)
        for count in [300, 325, 901, 2_048, 2_500] {
            let part = Array(events.prefix(count))
            #expect(
                learned(batches(part, sizes: sizes), options()).digest()
                    == learned(batches(part, sizes: [64]), options()).digest(), "\(count)")
        }
    }

    @Test(
        "a state stored and read back at every moment of it ends in the digest of one that never was",
        arguments: [29, 64])
    func resumed(size: Int) throws {
        let (folder, options) = (Folder(), options())
        let all = batches(growing(1_400), sizes: [size])
        var whole = LearnedState(options: options.state)
        let application = BatchApplication(state: whole, options: options.learning)
        for batch in all {
            let state = try loaded(folder.state, options)
            BatchApplication(state: state, options: options.learning).apply(batch)
            application.apply(batch)
            #expect(state.digest() == whole.digest())
            let file = try StateFile(path: folder.state, identity: identity(options))
            try file.write(state.collectChanges())
            try file.close()
        }
        #expect(whole.priors.hasMaps && whole.violations() == [])
        whole = try loaded(folder.state, options)
        #expect(whole.violations() == [])
        #expect(try StateFile.verify(path: folder.state).problems == [])
    }

    @Test("a model whose priors are switched off, and on again when there are other features, starts")
    func switchedOff() throws {
        let (folder, on) = (Folder(), options())
        var off = on
        off.state.models[0].usesPriors = false
        let all = batches(growing(2_700), sizes: [100])
        func learn(_ batches: ArraySlice<IngestBatch>, _ options: EngineOptions) throws -> LearnedState {
            let state = try loaded(folder.state, options)
            let application = BatchApplication(state: state, options: options.learning)
            for batch in batches { application.apply(batch) }
            let file = try StateFile(path: folder.state, identity: identity(options))
            try file.write(state.collectChanges())
            try file.close()
            return state
        }
        let first = try learn(all[..<6], on)
        let names = first.priors.names
        #expect(first.priors.maps[0] != nil)
        let second = try learn(all[6...], off)
        #expect(second.priors.maps[0] == nil && second.priors.names != names)
        let third = try loaded(folder.state, on)
        #expect(third.priors.maps[0] == nil && third.priors.maps[1] != nil && third.violations() == [])
    }

    @Test("the digest tells what is pending")
    func digest() {
        let events = growing(700)
        var later = options()
        later.state.priors.lagMax = 10
        let (one, other) = (
            learned(batches(Array(events.prefix(260)), sizes: [64]), options()),
            learned(batches(Array(events.prefix(260)), sizes: [64]), later)
        )
        #expect(one.digest() != other.digest())
    }

    @Test("what is pending and damaged is refused, and a file of before has nothing pending")
    func damaged() throws {
        let options = options()
        for count in [300, 322] {
            let state = learned(batches(Array(growing(700).prefix(count)), sizes: [64]), options)
            let delta = state.collectChanges()
            // Out of memory it is what a file tells.
            let told = LearnedState(options: options.state)
            try delta.read(into: StateLoader(state: told, path: "memory"), identity: identity(options))
            #expect(told.digest() == state.digest())
            func load(_ change: (inout StateDelta) -> Void) throws -> LearnedState {
                let folder = Folder()
                var changed = delta
                change(&changed)
                try StateFile.create(path: folder.state, identity: identity(options), delta: changed)
                return try loaded(folder.state, options)
            }
            #expect(try load { _ in }.digest() == state.digest())
            let before = try load { delta in
                for name in delta.scalars.keys where name.hasPrefix("features.next") {
                    delta.scalars[name] = nil
                }
                for model in delta.models.indices { delta.models[model].scalars["features.next.map"] = nil }
            }
            #expect(!before.priors.moves)
            for (name, bytes) in [
                ("features.next", Data([1])), ("features.next", Data(count: 32)),
                ("features.next.names", Data("[1]".utf8)), ("features.next.names", Data()),
                ("features.next.counts", Data([1, 2, 3])), ("features.next.counts", Data()),
            ] {
                #expect(throws: StateError.self, "\(name)") {
                    try load { $0.scalars[name] = .blob(bytes) }
                }
            }
            #expect(throws: StateError.self) {
                try load { $0.models[0].scalars["features.next.map"] = .blob(Data(count: 7)) }
            }
        }
    }

    @Test("several shards learn while maps are pending, and every row stays a number")
    func shards() {
        let state = learned(batches(growing(4_000), sizes: [512]), options(shards: 3))
        #expect(state.violations() == [] && state.priors.hasMaps)
    }
}
