import Factors
import Testing

@testable import ContentVectors

@Suite("Choice of triplets")
struct TripletChoiceTests {
    private func book(_ tags: [[String]]) -> TagBook {
        var book = TagBook(embedding: TextEmbedding(seed: 1))
        let map = TripletModel(seed: 1).map
        for (row, tags) in tags.enumerated() { _ = book.set(tags, of: row, map: map) }
        return book
    }

    private func invented(_ count: Int) -> [[String]] {
        var random = KeyedRandom(seed: 7)
        return (0..<count).map { _ in
            (0..<1 + random.next(below: 6)).map { _ in "tag \(random.next(below: 10) * random.next(below: 8))"
            }
        }
    }

    @Test("the positive shares most of all, the negative nothing, as a look at every item says")
    func againstAll() {
        let tags = invented(200).map(Set.init)
        let book = book(tags.map { $0.sorted() })
        var choice = TripletChoice()
        for anchor in tags.indices {
            var random = KeyedRandom(seed: 1, index: UInt64(anchor))
            let shared = tags.indices.map { $0 == anchor ? -1 : tags[$0].intersection(tags[anchor]).count }
            guard let triplet = choice.triplet(Int32(anchor), in: book, random: &random) else {
                #expect(shared.max() == 0 || !shared.contains(0))
                continue
            }
            #expect(shared[Int(triplet.positive)] == shared.max())
            #expect(shared[Int(triplet.negative)] == 0)
        }
    }

    @Test("the same key draws the same triplet, whatever was drawn before")
    func keyed() {
        let book = book(invented(100))
        var (fresh, used) = (TripletChoice(), TripletChoice())
        for anchor in 0..<50 {
            var random = KeyedRandom(seed: 2, index: UInt64(anchor))
            _ = used.triplet(Int32(anchor), in: book, random: &random)
        }
        var (one, other) = (KeyedRandom(seed: 3), KeyedRandom(seed: 3))
        #expect(
            fresh.triplet(5, in: book, random: &one) == used.triplet(5, in: book, random: &other))
    }

    @Test("a tag on every item, and lists longer than are looked at, still give a positive")
    func tagOnAll() throws {
        let count = TripletChoice.placesMax + 100
        let book = book((0..<count).map { ["everything", "group \($0 / (count / 2))"] })
        var choice = TripletChoice()
        var random = KeyedRandom(seed: 4)
        let triplet = try #require(choice.triplet(17, in: book, random: &random))
        #expect(book.sharedTags(17, Int(triplet.positive)) == 2)
        #expect(book.sharedTags(17, Int(triplet.negative)) == 1)
    }

    @Test("where all items are tagged alike there is nothing to tell apart")
    func allAlike() {
        let book = book(Array(repeating: ["one", "two"], count: 50))
        var choice = TripletChoice()
        var random = KeyedRandom(seed: 4)
        #expect(choice.triplet(3, in: book, random: &random) == nil)
    }
}

@Suite("Who carries which tag")
struct TagBookTests {
    private let map = TripletModel(seed: 1).map

    @Test("an item tagged anew a thousand times leaves nothing behind")
    func retagged() {
        var book = TagBook(embedding: TextEmbedding(seed: 1))
        _ = book.set(["kept"], of: 0, map: map)
        for round in 0..<1_000 { _ = book.set(["a \(round)", "b"], of: 1, map: map) }
        #expect(book.count == 3)
        _ = book.set([], of: 1, map: map)
        #expect(book.count == 1)
        #expect(book.rows == [0])
        #expect(book.tags(of: 1) == [])
        #expect(book.input(of: 1) == nil)
        #expect(book.tags.count < 8)
    }

    @Test("a tag that gets the number of one that the item has just lost is carried by the item all the same")
    func numberOfALostTag() {
        var (book, restored) = (
            TagBook(embedding: TextEmbedding(seed: 1)), TagBook(embedding: TextEmbedding(seed: 1))
        )
        _ = book.set(["a", "b"], of: 0, map: map)
        _ = book.set(["c", "d"], of: 0, map: map)
        _ = restored.set(["c", "d"], of: 0, map: map)
        for book in [book, restored] {
            #expect(book.tags(of: 0).map { book.tags[Int($0)].rows } == [[0], [0]])
        }
    }

    @Test("ten thousand tags are cut, tags of 300 bytes and blank ones taken as they are")
    func odd() {
        var book = TagBook(embedding: TextEmbedding(seed: 1))
        _ = book.set((0..<10_000).map { "t\($0)" }, of: 0, map: map)
        #expect(book.tags(of: 0).count == TagBook.tagsMax)
        _ = book.set([" ", "", "A", "a "], of: 1, map: map)
        #expect(book.tags(of: 1).count == 1)
        _ = book.set([String(repeating: "x", count: 300)], of: 2, map: map)
        #expect(book.input(of: 2)?.letters.allSatisfy(\.isFinite) == true)
    }

    @Test(
        "what is tagged alike in another order is no news, and in whatever order tags come an item is the same vector"
    )
    func order() {
        var (book, other) = (
            TagBook(embedding: TextEmbedding(seed: 1)), TagBook(embedding: TextEmbedding(seed: 1))
        )
        let isNews = book.set(["x", "y", "z"], of: 0, map: map)
        let isNewsAgain = book.set(["Z", "y", "x"], of: 0, map: map)
        #expect(isNews && !isNewsAgain)
        _ = other.set(["z", "w"], of: 1, map: map)
        _ = other.set(["y", "z", "x"], of: 0, map: map)
        #expect(book.input(of: 0) == other.input(of: 0))
    }
}
