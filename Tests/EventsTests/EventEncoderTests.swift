import Events
import Testing

@Suite("Encoding events as JSON")
struct EventEncoderTests {
    @Test("what is written is what DESIGN shows")
    func text() throws {
        let event = Event(
            .rating(user: try id("u42"), item: try id("i7"), value: 4.5), time: 1_260_759_144_000)
        let json = String(decoding: EventEncoder.encode(event, options: EventOptions()), as: UTF8.self)
        #expect(json == #"{"user":"u42","item":"i7","rating":4.5,"ts":1260759144000}"#)
    }

    @Test(
        "hard ids come back byte by byte",
        arguments: [
            "😀", "\"", "\\", "\\u0041", "\0", "\u{1}\u{8}\t\n\r\u{1f}\u{7f}", "a/b", "é", "e\u{301}",
            "\u{2028}",
            "\u{FEFF}", "{\"user\":1}", "\u{10FFFF}", " ",
        ])
    func hardIDs(text: String) throws {
        try expectRoundTrip(Event(.rating(user: try id(text), item: try id("i" + text), value: 1), time: 0))
        try expectRoundTrip(
            Event(
                .item(ItemDescription(item: try id(text), title: text, tags: [text, ""], available: false))))
    }

    @Test("mapped field names are written and read, awkward ones too")
    func mappedNames() throws {
        var options = EventOptions()
        options.fields.user = "the \"user\"\n"
        options.fields.rating = "sterne★"
        let event = Event(.rating(user: try id("u"), item: try id("i"), value: 3))
        let json = EventEncoder.encode(event, options: options)
        #expect(try EventDecoder(options: options).decode(json) == event)
        #expect(throws: EventError.missingField("user")) { try decode(bytes: json) }
    }

    @Test("random events of every kind come back", arguments: 0..<20)
    func randomRoundTrips(seed: UInt64) throws {
        var draws = Draws(seed: seed)
        for _ in 0..<200 { try expectRoundTrip(randomEvent(&draws)) }
    }

    @Test("what the decoder would refuse is refused before it is appended")
    func check() throws {
        let options = EventOptions()
        let user = try id("u")
        let item = try id("i")
        for value in [Float.nan, .infinity, -1, 101] {
            #expect(throws: EventError.self) {
                try options.check(Event(.rating(user: user, item: item, value: value)))
            }
        }
        #expect(throws: EventError.unknownSignal("buy", allowed: ["click"])) {
            try options.check(Event(.signal(user: user, item: item, name: "buy")))
        }
        #expect(throws: EventError.timeOutOfRange(-1, allowed: options.times)) {
            try options.check(Event(.forget(user: user), time: -1))
        }
        #expect(throws: EventError.tooManyTags(field: "tags", 257, max: 256)) {
            let tags = Array(repeating: "t", count: 257)
            try options.check(Event(.item(ItemDescription(item: item, tags: tags))))
        }
        try options.check(Event(.rating(user: user, item: item, value: 100), time: 0))
    }

    private func randomEvent(_ draws: inout Draws) throws -> Event {
        let user = try id(randomText(&draws))
        let item = try id(randomText(&draws))
        let time = Bool.random(using: &draws) ? Int64.random(in: EventOptions().times, using: &draws) : nil
        switch Int.random(in: 0..<7, using: &draws) {
        case 0: return Event(.signal(user: user, item: item, name: "click"), time: time)
        case 1: return Event(.retract(user: user, item: item), time: time)
        case 2: return Event(.forget(user: user), time: time)
        case 4: return Event(.hide(user: user, item: item), time: time)
        case 5: return Event(.unhide(user: user, item: item), time: time)
        case 3:
            let tags = (0..<Int.random(in: 0...4, using: &draws)).map { _ in randomText(&draws) }
            let description = ItemDescription(
                item: item, title: Bool.random(using: &draws) ? randomText(&draws) : nil,
                tags: Bool.random(using: &draws) ? tags : nil,
                available: [true, false, nil].randomElement(using: &draws) ?? nil)
            return Event(.item(description), time: time)
        default:
            let value = Float.random(in: 0...100, using: &draws)
            return Event(.rating(user: user, item: item, value: value), time: time)
        }
    }

    private func randomText(_ draws: inout Draws) -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "7", "\"", "\\", "\0", "\n", "ü", "\u{301}", "語", "😀", "\u{1f}",
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 1...12, using: &draws) {
            text.append(scalars.randomElement(using: &draws) ?? "a")
        }
        return String(text)
    }

    private func expectRoundTrip(_ event: Event, _ location: SourceLocation = #_sourceLocation) throws {
        let json = EventEncoder.encode(event, options: EventOptions())
        let back = try decode(bytes: json)
        #expect(back == event, sourceLocation: location)
        #expect(back.key.string.utf8.elementsEqual(event.key.string.utf8), sourceLocation: location)
    }
}
