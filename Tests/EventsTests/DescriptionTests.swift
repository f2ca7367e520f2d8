import Foundation
import Testing

@testable import Events

@Suite("Descriptions of items and users")
struct DescriptionTests {
    @Test("tags may be added, and users have tags too")
    func decoding() throws {
        let item = try decode(#"{"type":"item","item":"i7","tags":["a"],"add-tags":["b","c|d"]}"#)
        #expect(
            item == Event(.item(ItemDescription(item: try id("i7"), tags: ["a"], addedTags: ["b", "c|d"]))))
        let user = try decode(#"{"type":"user","user":"u42","tags":["F","age:25"],"ts":7000}"#)
        #expect(
            user
                == Event(.user(UserDescription(user: try id("u42"), tags: ["F", "age:25"])), time: 7_000_000))
        let added = try decode(#"{"type":"user","user":"u42","add-tags":"vip|early"}"#)
        #expect(added == Event(.user(UserDescription(user: try id("u42"), addedTags: ["vip", "early"]))))
        #expect(user.key == (try id("u42")) && user.item == nil)
    }

    @Test("what is written is read back, by freshet's names and by the producers'")
    func roundTrip() throws {
        var options = EventOptions()
        options.fields.addTags = "more"
        options.fields.tags = "labels"
        let events = [
            Event(.user(UserDescription(user: try id("u"), tags: []))),
            Event(.user(UserDescription(user: try id("u"), addedTags: ["x"])), time: 1_700_000_000_000),
            Event(.item(ItemDescription(item: try id("i"), title: "T", addedTags: ["\"q\"", "é"]))),
        ]
        for event in events {
            let decoder = EventDecoder(options: options)
            #expect(try decoder.decode(EventEncoder.encode(event, options: options)) == event)
            #expect(try decoder.decode(EventEncoder.record(of: event)) == event)
            var batch = DecodedEvents()
            batch.append(event, token: Token(partition: 0, offset: 1), logTime: 5)
            var both = DecodedEvents()
            both.append(events[0], token: Token(partition: 0, offset: 0), logTime: 5)
            both.append(batch)
            #expect(both.userDescriptions.count == 1 + batch.userDescriptions.count)
            if let entry = both.entries.last, entry.kind == .user {
                #expect(both.userDescriptions[Int(entry.reference)] == batch.userDescriptions[0])
            }
        }
    }

    @Test("a description is known again by all that it says, and one without additions as ever")
    func fingerprints() throws {
        func print(_ tags: [String]?, _ added: [String]?) throws -> UInt64? {
            Event(.item(ItemDescription(item: try id("i"), tags: tags, addedTags: added)), time: 1)
                .fingerprint
        }
        let all = [try print(["a"], nil), try print(nil, ["a"]), try print(["a"], ["a"]), try print(nil, [])]
        #expect(Set(all).count == 4)
        // As earlier versions wrote it into state files.
        var hash = ByteHash()
        hash.combine(UInt64(DecodedEvents.Kind.item.rawValue))
        for text in ["i", "i"] { hash.combine(text) }
        hash.combine(UInt64(1))
        hash.combine("")
        hash.combine(UInt64(2))
        hash.combine("a")
        hash.combine(UInt64(0))
        #expect(try print(["a"], nil) == hash.value)
    }

    @Test(
        "ten thousand tags, a tag of 300 bytes and a user of whom nothing is said are refused with the reason"
    )
    func limits() throws {
        func refusal(_ json: String) -> String? {
            do {
                _ = try decode(json)
                return nil
            } catch { return "\(error)" }
        }
        let many = repeatElement("\"t\"", count: 10_000).joined(separator: ",")
        let long = String(repeating: "x", count: 300)
        for (type, owner) in [("item", "item"), ("user", "user")] {
            for field in ["tags", "add-tags"] {
                let head = #"{"type":"\#(type)","\#(owner)":"x","\#(field)":"#
                #expect(
                    refusal("\(head)[\(many)]}")
                        == "field '\(field)' has 10000 entries; at most 256 are allowed"
                )
                #expect(
                    refusal(#"\#(head)["\#(long)"]}"#)
                        == "field '\(field)' has 300 bytes; at most 256 are allowed")
                #expect(
                    refusal(head + "[1]}")?.hasPrefix("field '\(field)' is an object, or an array") == true)
            }
        }
        #expect(refusal(#"{"type":"user","user":"u"}"#) == "field 'tags' is missing")
        #expect(refusal(#"{"type":"user","tags":["a"]}"#) == "field 'user' is missing")
    }

    @Test("a list takes what is newer, adds what is new, and has a bound")
    func lists() {
        var list = TagList()
        #expect(list.describe(tags: ["a", "b"], added: ["b", "c"], time: 100).isNews)
        #expect(list.tags == ["a", "b", "c"])
        #expect(!list.describe(tags: nil, added: ["old"], time: 50).isNews)
        // Additions do not make older additions late: the order in which they come does not matter.
        #expect(list.describe(tags: nil, added: ["e"], time: 300).isNews)
        #expect(list.describe(tags: nil, added: ["d"], time: 200).isNews)
        #expect(list.tags == ["a", "b", "c", "e", "d"] && list.time == 100)
        #expect(list.describe(tags: nil, added: ["e\u{301}", "\u{E9}", "e\u{301}"], time: nil).isNews)
        #expect(list.tags.count == 7, "tags are told apart by their bytes")
        let many = (0..<TagList.tagsMax).map { "t\($0)" }
        #expect(list.describe(tags: nil, added: many, time: nil).dropped == 7)
        #expect(list.tags.count == TagList.tagsMax)
        #expect(list.describe(tags: [], added: nil, time: nil).isNews)
        #expect(list.tags.isEmpty && list.isEmpty)
    }

    // MARK: - Files

    private func read(_ text: String) throws -> [EventFile.Entry] {
        let path = NSTemporaryDirectory() + "freshet-descriptions-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let file = try EventFile.open(path, options: EventOptions())
        var entries: [EventFile.Entry] = []
        while let entry = try file.next() { entries.append(entry) }
        return entries
    }

    @Test("genres and key words of a film are both its tags, each once")
    func keywords() throws {
        let text = """
            movieId,title,genres,tmdbId,tmdb_keywords
            1,"Toy Story (1995)",Animation|Fantasy,862,toy|Fantasy|boy
            2,Nothing,(no genres listed),1,
            3,Words,(no genres listed),1,a
            """
        let tags = try read(text).map { entry -> [String]? in
            guard case .event(let event) = entry, case .item(let item) = event.kind else { return nil }
            return item.tags
        }
        #expect(tags == [["Animation", "Fantasy", "toy", "boy"], [], ["a"]])
    }

    @Test("users.dat and a table of users are descriptions of users")
    func users() throws {
        let dat = try read("1::F::1::10::48067\n2::M::56::16::70072\n3::X::1::1::1\n")
        #expect(
            dat.prefix(2) == [
                .event(
                    Event(.user(UserDescription(user: try id("1"), tags: ["F", "age:1", "occupation:10"])))),
                .event(
                    Event(.user(UserDescription(user: try id("2"), tags: ["M", "age:56", "occupation:16"])))),
            ])
        guard case .bad(let line) = dat[2] else {
            Issue.record("a sex that is none is taken")
            return
        }
        #expect(line.reason == "field 'sex' is 'X'; allowed is F or M")
        let table = try read("user,tags,add-tags\nu1,a|b,\nu2,,c\nu3,,\n")
        #expect(
            table.prefix(2) == [
                .event(Event(.user(UserDescription(user: try id("u1"), tags: ["a", "b"])))),
                .event(Event(.user(UserDescription(user: try id("u2"), addedTags: ["c"])))),
            ])
        guard case .bad = table[2] else {
            Issue.record("a user of whom nothing is said is taken")
            return
        }
    }

    @Test("ratings without times are taken")
    func timeless() throws {
        let entries = try read("userId,movieId,rating\n1,2,3.5\n")
        #expect(entries == [.event(Event(.rating(user: try id("1"), item: try id("2"), value: 3.5)))])
    }
}
