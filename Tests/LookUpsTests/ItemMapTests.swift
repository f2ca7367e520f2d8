import Engine
import EngineSupport
import Events
import Factors
import LookUps
import Testing

@Suite("Maps and titles of items")
struct ItemMapTests {
    @Test(
        "a map's places are the items' rows along the axes that explain most", arguments: ["stars", "likes"])
    func places(model: String) async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        let map = try live.engine.map(MapQuery(model: model))
        #expect(map.model == model && map.itemsTaken == map.ids.count && map.ids.count > 50)
        #expect(map.titles.count == map.ids.count && map.tags.count == map.ids.count)
        #expect(map.places.count == 3 && map.places.allSatisfy { $0.count == map.ids.count })
        #expect(map.explained == map.explained.sorted(by: >) && map.explained.reduce(0, +) <= 1.0001)
        for axis in map.places {
            let mean = axis.reduce(0) { $0 + Double($1) } / Double(axis.count)
            #expect(abs(mean) < 1e-4)
        }
        for (id, popularity) in zip(map.ids, map.popularity).prefix(10) {
            let record = try #require(try live.engine.item(id).models.first { $0.name == model }?.popular)
            #expect(abs(record - popularity) < 1e-3 * max(1, record))
        }
        // The two tastes of the invented world are what tells its items apart.
        let odd = map.ids.map { (Int($0.string.dropFirst()) ?? 0) % 2 == 1 }
        let first = zip(map.places[0], odd).filter(\.1).map(\.0)
        let other = zip(map.places[0], odd).filter { !$0.1 }.map(\.0)
        if model == "likes" {
            let difference = first.reduce(0, +) / Float(first.count) - other.reduce(0, +) / Float(other.count)
            let spread = map.places[0].map(abs).reduce(0, +) / Float(map.places[0].count)
            #expect(abs(difference) > spread)
        }
        try live.stop()
    }

    @Test("of more items than wanted the most taken are on the map")
    func bound() async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        let map = try live.engine.map(MapQuery(model: "likes", itemsMax: 20))
        let top = try live.engine.top(TopQuery(order: .popular, count: 20, model: "likes"))
        #expect(map.ids.count == 20 && map.itemsTaken > 50)
        #expect(Set(map.ids) == Set(top.map(\.id)))
        try live.stop()
    }

    @Test("before anything is learned the map is empty; a model that is not known is named")
    func nothing() throws {
        let live = try LiveEngine()
        let map = try live.engine.map(MapQuery())
        #expect(
            map.ids.isEmpty && map.itemsTaken == 0 && map.explained == [0, 0, 0]
                && map.places == [[], [], []])
        #expect(throws: LookupError.self) { try live.engine.map(MapQuery(model: "none")) }
        try live.stop()
    }

    @Test("titles are found by all their words in any case, the most taken first, an id before them")
    func titles() async throws {
        let live = try LiveEngine()
        try await live.feed(events(500))
        func describe(_ item: String, _ title: String) -> Event {
            Event(.item(ItemDescription(item: id(item), title: title)))
        }
        try await live.feed([
            describe("i2", "The Quiet Sea"), describe("i4", "Quiet as the SEA"),
            describe("i6", "The quiet hill"),
        ])
        let found = try live.engine.items(titled: "  quiet sEa ", count: 10)
        #expect(Set(found) == [id("i2"), id("i4")])
        let popularity = try found.map {
            try live.engine.item($0).models.first { $0.name == "likes" }?.popular ?? 0
        }
        #expect(popularity == popularity.sorted(by: >))
        #expect(try live.engine.items(titled: "i6", count: 10).first == id("i6"))
        #expect(try live.engine.items(titled: "quiet", count: 2).count == 2)
        #expect(try live.engine.items(titled: "nowhere at all", count: 5) == [])
        #expect(throws: LookupError.self) { try live.engine.items(titled: "  ", count: 5) }
        try live.stop()
    }
}
