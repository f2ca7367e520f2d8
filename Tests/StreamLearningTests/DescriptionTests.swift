import Checkpoints
import Engine
import EngineSupport
import Events
import Identities
import Locking
import State
import TestSupport
import Testing

@testable import StreamLearning

/// What is said of items and users, beside what users do.
@Suite("Descriptions on the stream")
struct DescriptionTests {
    private func user(_ name: String, _ tags: [String]?, adds added: [String]? = nil, at time: Int64? = nil)
        -> Event
    {
        Event(.user(UserDescription(user: id(name), tags: tags, addedTags: added)), time: time)
    }

    private func item(_ name: String, _ tags: [String]?, adds added: [String]? = nil, at time: Int64? = nil)
        -> Event
    {
        Event(.item(ItemDescription(item: id(name), tags: tags, addedTags: added)), time: time)
    }

    private func learn(_ events: [Event], shards: Int = 1, usersMax: Int = 0) -> LearnedState {
        var options = smallOptions(shards: shards)
        options.learning.usersMax = usersMax
        return learned(batches(events, sizes: [2, 3]), options)
    }

    private func tags(_ state: LearnedState, _ user: String) -> [String]? {
        guard let row = state.users.read({ $0.row(of: id(user)) }) else { return nil }
        let shard = state.shard(of: row)
        return shard.users[shard.local(row)].tags.list.tags
    }

    @Test("a user is described before the first event, and again", arguments: [1, 3])
    func users(shards: Int) {
        let events = [
            user("u", ["F", "age:25"]), user("v", nil, adds: ["x"]),
            Event(.rating(user: id("u"), item: id("i"), value: 4)),
            user("u", nil, adds: ["vip", "F"]), user("w", ["a"]), user("w", []),
        ]
        let state = learn(events, shards: shards)
        #expect(tags(state, "u") == ["F", "age:25", "vip"])
        #expect(tags(state, "v") == ["x"] && tags(state, "w") == [])
        #expect(state.counters.descriptions == 5 && state.counters.ratings == 1)
        #expect(state.users.read { $0.count } == 3 && state.items.read { $0.count } == 1)
    }

    @Test("an older description of a user says nothing, and is counted as late")
    func late() {
        let state = learn([user("u", ["new"], at: 9_000), user("u", ["old"], at: 8_000)])
        #expect(tags(state, "u") == ["new"] && state.counters.late == 1)
    }

    @Test("tags are added to an item's, up to a bound, and what is beyond is counted")
    func items() {
        let many = (0..<4).map { part in item("i", nil, adds: (0..<256).map { "t\(part)-\($0)" }) }
        let state = learn([item("i", ["a"]), item("i", nil, adds: ["b", "a"])] + many)
        let tags = state.catalogue.read { $0.entries[0].tags }
        #expect(tags.count == TagList.tagsMax && tags.prefix(3) == ["a", "b", "t0-0"])
        #expect(state.counters.droppedTags == 2)
        #expect(state.catalogue.read { $0.items(tagged: "b") } == [0])
    }

    @Test("tags of users are in the digest and the state file, and go with the user")
    func kept() throws {
        let folder = Folder()
        let events = [
            user("u", ["F", "\"q\""], at: 5_000), user("v", ["M"]),
            Event(.rating(user: id("v"), item: id("i"), value: 4)),
        ]
        let state = learn(events)
        #expect(state.digest() != learn([user("u", ["F"], at: 5_000)] + events.dropFirst()).digest())
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        try file.write(state.collectChanges())
        let back = LearnedState(options: smallOptions().state)
        try file.read(into: StateLoader(state: back, path: folder.state))
        #expect(back.digest() == state.digest() && tags(back, "u") == ["F", "\"q\""])
        #expect(try StateFile.verify(path: folder.state).problems == [])

        let forgotten = learn(events + [Event(.forget(user: id("u")))])
        #expect(tags(forgotten, "u") == nil)
        let again = learn(events + [Event(.forget(user: id("u"))), user("u", nil, adds: ["z"])])
        #expect(tags(again, "u") == ["z"], "nothing of the user who was forgotten is left")
    }

    @Test("a description changed while a checkpoint is written goes into the next one")
    func frozen() throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        let state = learn([user("u", ["before"])])
        let frozen = state.freeze()
        BatchApplication(state: state, options: smallOptions().learning).apply(
            IngestBatch(
                events: [
                    LoggedEvent(
                        token: Token(partition: 0, offset: 1), logTime: 0, event: user("u", ["after"]))
                ], positions: [0: 2]))
        try file.write(frozen.head) { frozen.nextPage() }
        state.thaw(frozen, isSaved: true)
        let back = LearnedState(options: smallOptions().state)
        try file.read(into: StateLoader(state: back, path: folder.state))
        #expect(tags(back, "u") == ["before"] && tags(state, "u") == ["after"])
        try file.write(state.collectChanges())
        let later = LearnedState(options: smallOptions().state)
        try file.read(into: StateLoader(state: later, path: folder.state))
        #expect(tags(later, "u") == ["after"] && later.digest() == state.digest())
    }

    @Test("who is described counts as heard of: the bound of users erases those of before")
    func bound() {
        let events =
            (0..<6).map { user("u\($0)", ["t"]) } + [user("u0", nil, adds: ["again"]), user("u6", [])]
        let state = learn(events, usersMax: 6)
        #expect(tags(state, "u0") == ["t", "again"] && tags(state, "u1") == nil && tags(state, "u6") == [])
        #expect(state.counters.evicted == 1)
    }

    @Test("descriptions that change a thousand times leave only the last one")
    func changing() {
        let events = (0..<1_000).map { item("i", ["v\($0)", "same"]) }
        let state = learned(batches(events, sizes: [100]), smallOptions())
        #expect(state.catalogue.read { $0.tagCount } == 2)
        #expect(state.catalogue.read { $0.entries[0].tags } == ["v999", "same"])
    }
}
