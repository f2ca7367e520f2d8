import Checkpoints
import ContentVectors
import Engine
import EngineSupport
import Events
import Factors
import LookUps
import State
import StreamLearning
import TestSupport
import Testing

@Suite("Look-ups by content")
struct ContentLookupTests {
    private static let kinds = [
        ["space", "alien", "robot", "galaxy", "laser", "android", "rocket", "planet"],
        ["wedding", "kiss", "bride", "letter", "dance", "summer", "garden", "poem"],
    ]

    private func tags(_ item: Int) -> [String] {
        var random = KeyedRandom(seed: 9, index: UInt64(item))
        return (0..<4).map { _ in Self.kinds[item % 2][random.next(below: 8)] }
    }

    private func description(_ item: String, _ tags: [String]?, available: Bool? = nil) -> Event {
        Event(.item(ItemDescription(item: id(item), tags: tags, available: available)))
    }

    /// 120 items of two kinds, and a user who took four of the first.
    private func stream() -> [Event] {
        (0..<120).map { description("i\($0)", tags($0)) }
            + (0..<4).map { Event(.rating(user: id("u"), item: id("i\($0 * 2)"), value: 5)) }
            + [Event(.rating(user: id("u"), item: id("i1"), value: 0))]
    }

    private func isOfFirst(_ item: ScoredItem) -> Bool {
        Int(item.id.string.dropFirst()).map { $0 % 2 == 0 } ?? false
    }

    @Test("a described item is found by its words as soon as its event is learned, rated by nobody")
    func found() async throws {
        let live = try LiveEngine()
        try await live.feed(stream())
        let first = try live.engine.answer(SearchQuery(words: ["rocket", "galaxy"], count: 20))
        #expect(first.items.count == 20 && first.items.allSatisfy(isOfFirst))
        #expect(first.items.allSatisfy { (-1.0001...1.0001).contains($0.score) })
        #expect(zip(first.items, first.items.dropFirst()).allSatisfy { $0.score >= $1.score })
        try await live.feed([description("new", ["Time Machine", "Paradox"])])
        let new = try live.engine.answer(SearchQuery(words: ["paradox", "time machine"]))
        #expect(new.items.first?.id == id("new"))
        // Words that no item has.
        let unseen = try live.engine.answer(SearchQuery(words: ["paradoxes"]))
        #expect(unseen.items.first?.id == id("new"))
        try live.stop()
    }

    @Test(
        "withdrawn items, those without tags and those that lack a tag asked for are not found; the answer says so"
    )
    func filtered() async throws {
        let live = try LiveEngine()
        try await live.feed(stream() + [description("bare", nil), description("none", [])])
        let best = try live.engine.answer(SearchQuery(words: ["rocket"], count: 1)).items[0].id
        try await live.feed([description(best.string, nil, available: false)])
        var query = SearchQuery(words: ["rocket"], count: 1_000, wantsMeta: true)
        let answer = try live.engine.answer(query)
        #expect(answer.items.count == 119)
        #expect(!answer.items.contains { [best, id("bare"), id("none")].contains($0.id) })
        #expect(answer.meta?.model == "content" && answer.meta?.candidates == 119)
        #expect(answer.meta?.shortfall?.counts[.unavailable] == 1)
        query.tags = ["kiss"]
        let tagged = try live.engine.answer(query)
        #expect(!tagged.items.isEmpty && !tagged.items.contains(where: isOfFirst))
        // Described anew without tags, and with the other kind's.
        try await live.feed([description("i2", []), description("i4", Self.kinds[1])])
        let after = try live.engine.answer(SearchQuery(words: ["rocket"], count: 1_000))
        #expect(!after.items.contains { $0.id == id("i2") })
        #expect(after.items.firstIndex { $0.id == id("i4") }.map { $0 > 50 } == true)
        try live.stop()
    }

    @Test(
        "items like an item, and items like what a user took, without the item, what was taken and what is hidden"
    )
    func alike() async throws {
        let live = try LiveEngine()
        try await live.feed(stream() + [Event(.hide(user: id("u"), item: id("i10")))])
        var similar = SimilarQuery(item: id("i0"), count: 20)
        similar.by = .content
        let near = try live.engine.answer(similar).items
        #expect(near.count == 20 && near.allSatisfy(isOfFirst) && !near.contains { $0.id == id("i0") })
        similar.metric = .l2
        let distances = try live.engine.answer(similar).items
        #expect(distances.map(\.id) == near.map(\.id))
        #expect(zip(distances, distances.dropFirst()).allSatisfy { $0.score <= $1.score })

        var query = RecommendQuery(user: id("u"), count: 30)
        query.by = .content
        let items = try live.engine.answer(query).items
        #expect(items.count == 30 && items.allSatisfy(isOfFirst))
        let out = Set((0..<4).map { id("i\($0 * 2)") } + [id("i1"), id("i10")])
        #expect(!items.contains { out.contains($0.id) })
        query.seen = .allow
        #expect(try live.engine.answer(query).items.contains { $0.id == id("i0") })

        query.user = id("stranger")
        query.wantsMeta = true
        #expect(try live.engine.answer(query).meta?.fallback == .popular)
        query.fallback = .none
        #expect(throws: LookupError.self) { try live.engine.answer(query) }
        query.model = "likes"
        #expect(throws: LookupError.self) { try live.engine.answer(query) }
        try live.stop()
    }

    @Test("tags are counted over what a user took or over items, and told as they are written most often")
    func counted() async throws {
        let live = try LiveEngine()
        try await live.feed([
            description("a", ["Drama", "war"]), description("b", ["drama", "Drama"]),
            description("c", ["love"]),
            Event(.rating(user: id("u"), item: id("a"), value: 5)),
            Event(.rating(user: id("u"), item: id("b"), value: 1)),
        ])
        let drama = CountedTag(tag: "Drama", items: 2)
        #expect(try live.engine.tags(TagsQuery(.user(id("u")))) == [drama, CountedTag(tag: "war", items: 1)])
        #expect(try live.engine.tags(TagsQuery(.items([id("c"), id("b"), id("a")]), count: 1)) == [drama])
        #expect(throws: LookupError.self) { try live.engine.tags(TagsQuery(.user(id("x")))) }
        // Of what u took nothing is recommended: c is left.
        try await live.feed([Event(.rating(user: id("v"), item: id("c"), value: 5))])
        #expect(
            try live.engine.tags(TagsQuery(.recommended(id("u"), 100))) == [CountedTag(tag: "love", items: 1)]
        )
        #expect(throws: LookupError.self) { try live.engine.tags(TagsQuery(.recommended(id("x"), 5))) }
        #expect(throws: LookupError.self) { try live.engine.tags(TagsQuery(.items([id("x")]))) }
        try live.stop()
    }

    @Test("a tag of a filter is found in whatever case, as it is told and as it is written")
    func filterCase() async throws {
        let live = try LiveEngine()
        try await live.feed([
            description("a", ["Science Fiction", "B"]), description("b", [" science fiction ", "b"]),
            description("c", ["Love"]),
        ])
        func found(_ tag: String) throws -> Set<String> {
            Set(try live.engine.answer(SearchQuery(words: ["x"], tags: [tag])).items.map(\.id.string))
        }
        for tag in ["Science Fiction", "science fiction", " SCIENCE FICTION", "b"] {
            #expect(try found(tag) == ["a", "b"], "\(tag)")
        }
        #expect(try found("fiction").isEmpty && found(" ").isEmpty)
        // One of its two spellings goes: the item still carries the tag.
        try await live.feed([description("c", ["Love", "love"]), description("c", ["love"])])
        #expect(try found("LOVE") == ["c"])
        try await live.feed([description("c", [])])
        #expect(try found("love").isEmpty)
        let tags = try live.engine.tags(TagsQuery(.items([id("a"), id("b")])))
        #expect(tags == [CountedTag(tag: "B", items: 2), CountedTag(tag: "Science Fiction", items: 2)])
        try live.stop()
    }

    @Test("a search says which words are tags, and which are guessed by their letters")
    func searchedWords() async throws {
        let live = try LiveEngine()
        try await live.feed(stream())
        let words = ["Rocket", "rockets", "wedding"]
        let answer = try live.engine.answer(SearchQuery(words: words, wantsMeta: true))
        #expect(answer.meta?.words == SearchedWords(known: ["Rocket", "wedding"], guessed: ["rockets"]))
        #expect(try live.engine.answer(SearchQuery(words: words)).meta == nil)
        try live.stop()
    }

    @Test("after a restart the answers are the same to the last bit, and so is the digest")
    func restart() async throws {
        let folder = Folder()
        var options = smallOptions()
        options.state.deterministic = true
        let first = try LiveEngine(options, in: folder)
        try await first.feedInOrder(stream())
        let query = SearchQuery(words: ["wedding", "robot"], count: 50)
        let (answer, digest) = (try first.engine.answer(query), try first.engine.digest().digest)
        try first.stop()
        #expect(try StateFile.verify(path: folder.state).problems == [])
        let second = try LiveEngine(options, in: folder)
        #expect(try second.engine.answer(query) == answer)
        #expect(try second.engine.digest().digest == digest)
        try second.stop()
    }

    @Test("however batches are cut, and wherever the state is saved, it ends in the same digest")
    func anyCut() throws {
        let all = stream() + events(800)
        let whole = learned(batches(all, sizes: [all.count]), smallOptions()).digest()
        #expect(learned(batches(all, sizes: [1, 37, 5]), smallOptions()).digest() == whole)
        var without = smallOptions()
        without.state.content.isOn = false
        #expect(learned(batches(all, sizes: [100]), without).digest() != whole)
    }

    @Test("turned off nothing is learned, and who asks is told the key")
    func off() async throws {
        var options = smallOptions()
        options.state.content.isOn = false
        let live = try LiveEngine(options)
        try await live.feed(stream())
        let error = #expect(throws: LookupError.self) {
            try live.engine.answer(SearchQuery(words: ["robot"]))
        }
        #expect(error?.message.contains("content.vectors") == true)
        #expect(live.status("memory.content-bytes") == .integer(0))
        try live.stop()
    }

    @Test("where no item carries tags nothing is kept, and a search finds nothing")
    func untagged() async throws {
        let live = try LiveEngine()
        try await live.feed([Event(.rating(user: id("u"), item: id("a"), value: 5)), description("b", nil)])
        #expect(try live.engine.answer(SearchQuery(words: ["robot"])).items == [])
        #expect(throws: LookupError.self) { try live.engine.answer(SearchQuery(words: [" "])) }
        var similar = SimilarQuery(item: id("a"))
        similar.by = .content
        let error = #expect(throws: LookupError.self) { try live.engine.answer(similar) }
        #expect(error?.code == .noItem)
        try live.stop()
    }
}
