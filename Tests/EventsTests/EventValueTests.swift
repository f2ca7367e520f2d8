import Events
import Testing

/// Values as producers write them that do not keep to one type.
@Suite("Decoding values")
struct EventValueTests {
    @Test("a number beyond 64 bits in a field that nobody reads does not matter")
    func unreadBigNumbers() throws {
        for number in [
            "340282366920938463463374607431768211456", "18446744073709551616", "1e400", "-0", "-1e-400",
        ] {
            let text = #"{"user":"b","item":"tea","rating":4,"x":[{"y":\#(number)}],"amount":\#(number)}"#
            #expect(try decode(text) == Event(.rating(user: id("b"), item: id("tea"), value: 4)))
        }
    }

    @Test("an id of any number of digits is taken as its text")
    func bigIDs() throws {
        let long = "340282366920938463463374607431768211456"
        for number in ["18446744073709551615", "18446744073709551616", "-9223372036854775808", long] {
            let event = try decode(
                #"{"user":\#(number),"item":\#(number),"rating":4,"id":\#(number),"x":"\\\"1e5","y":1e999}"#)
            #expect(
                event == Event(.rating(user: try id(number), item: try id(number), value: 4), id: number))
        }
    }

    @Test("no integer of the record's own is taken for a stand-in")
    func standIns() throws {
        let event = try decode(
            #"{"x":1e999,"user":-9223372036854775808,"item":-9223372036854775807,"rating":4.5e0,"ts":1700000000000}"#
        )
        let expected = Event.Kind.rating(
            user: try id("-9223372036854775808"), item: try id("-9223372036854775807"), value: 4.5)
        #expect(event == Event(expected, time: 1_700_000_000_000))
    }

    @Test(
        "what is no number is not JSON, big or not",
        arguments: [
            "018446744073709551616", "1e", "18446744073709551616.", "--18446744073709551616", "1e+400x",
        ])
    func notNumbers(text: String) {
        #expect {
            try decode(#"{"user":1,"item":1,"rating":1,"x":\#(text),"y":1e400}"#)
        } throws: {
            if case .notJSON? = $0 as? EventError { true } else { false }
        }
    }

    @Test("a rating may be a text, and zero has no sign")
    func ratings() throws {
        for (text, value) in [
            (#""4""#, 4), (#"" 4.5 ""#, 4.5), (#"".5""#, 0.5), ("-0.0", 0), (#""1e1""#, 10),
        ]
            as [(String, Float)]
        {
            let event = try decode(#"{"user":1,"item":1,"rating":\#(text)}"#)
            guard case .rating(_, _, let rating) = event.kind else { throw Unexpected() }
            #expect(rating == value)
            #expect(rating.sign == .plus)
        }
    }

    @Test(
        "yes and no are read in every plain form",
        arguments: ["1", "true", #""true""#, #""True""#, #""1""#, #""yes""#, "1.0"])
    func available(text: String) throws {
        #expect(try description(#""available":\#(text)"#).available == true)
        let no = text.replacing("true", with: "false").replacing("True", with: "FALSE")
            .replacing("1", with: "0").replacing("yes", with: "no")
        #expect(try description(#""available":\#(no)"#).available == false)
    }

    @Test("what is neither yes nor no is refused with field, value and what is allowed")
    func notAvailable() {
        #expect(
            throws: EventError.badValue(
                field: "available", found: "'WAHR'", wanted: "true, false, 1, 0, yes or no")
        ) { try description(#""available":"WAHR""#) }
        #expect(
            throws: EventError.badValue(
                field: "available", found: "2", wanted: "true, false, 1, 0, yes or no")
        ) { try description(#""available":2"#) }
    }

    @Test("tags given as one text are parted by |, and a text with commas alone is refused")
    func tags() throws {
        #expect(try description(#""tags":"red""#).tags == ["red"])
        #expect(try description(#""tags":" red | dark, blue |""#).tags == ["red", "dark, blue"])
        #expect(try description(#""tags":"""#).tags == [])
        let error = #expect(throws: EventError.self) { try description(#""tags":"red,blue""#) }
        #expect(
            error?.description.contains("field 'tags' is 'red,blue'; allowed is an array of strings") == true)
        #expect(throws: EventError.self) { try description(#""tags":["a",1]"#) }
    }

    @Test("a title that is a number is its digits")
    func titles() throws {
        #expect(try description(#""title":1984"#).title == "1984")
    }

    @Test("an id that has been a double is the integer it was, others are refused")
    func doubleIDs() throws {
        #expect(try decode(#"{"user":296.0,"item":1,"rating":1}"#).key == id("296"))
        #expect(throws: EventError.self) { try decode(#"{"user":1e300,"item":1,"rating":1}"#) }
    }

    @Test("an event's own id is a short text or an integer; an empty one is none")
    func eventIDs() throws {
        #expect(try decode(#"{"user":1,"item":1,"rating":1,"id":"e-7"}"#).id == "e-7")
        #expect(try decode(#"{"type":"forget","user":1,"id":7}"#).id == "7")
        #expect(try description(#""id":"x""#) == ItemDescription(item: id("1")))
        #expect(try decode(#"{"user":1,"item":1,"rating":1,"id":""}"#).id == nil)
        #expect(try decode(#"{"user":1,"item":1,"rating":1,"id":null}"#).id == nil)
        for bad in ["{}", "true", "1.5", "\"\(String(repeating: "x", count: 257))\""] {
            #expect(throws: EventError.self) { try decode(#"{"user":1,"item":1,"rating":1,"id":\#(bad)}"#) }
        }
    }

    @Test("a type in capitals is that type")
    func types() throws {
        #expect(try decode(#"{"type":"Forget","user":1}"#) == Event(.forget(user: id("1"))))
    }

    private func description(_ fields: String) throws -> ItemDescription {
        let event = try decode(#"{"type":"item","item":1,\#(fields)}"#)
        guard case .item(let description) = event.kind else { throw Unexpected() }
        return description
    }
}

/// What freshet appends to a log is read by every daemon, whatever its configuration.
@Suite("Records that freshet writes")
struct OwnRecordTests {
    private var events: [Event] {
        get throws {
            let (user, thing) = (try id("u"), try id("i"))
            return [
                Event(.rating(user: user, item: thing, value: 4), time: 12, id: "e1"),
                Event(.signal(user: user, item: thing, name: "click"), time: 1_700_000_000_000),
                Event(.forget(user: user)),
                Event(
                    .item(ItemDescription(item: thing, title: "T", tags: ["a,b"], available: false)), time: 0),
            ]
        }
    }

    @Test("are read under every mapping and every unit")
    func everyConfiguration() throws {
        var crossed = EventOptions()
        (crossed.fields.user, crossed.fields.item) = ("item", "user")
        var mapped = EventOptions()
        (mapped.fields.user, mapped.fields.title, mapped.fields.ts) = ("user_id", "name", "when")
        mapped.timeUnit = .s
        for options in [EventOptions(), crossed, mapped] {
            for event in try events {
                #expect(try EventDecoder(options: options).decode(EventEncoder.record(of: event)) == event)
            }
        }
    }

    @Test("have freshet's field names, which others in the topic can rely on")
    func names() throws {
        let json = EventEncoder.record(of: try events[0])
        #expect(
            String(decoding: json, as: UTF8.self)
                == #"{"freshet":1,"user":"u","item":"i","rating":4.0,"id":"e1","ts":12}"#)
    }

    @Test("are told from a producer's record that has a field of that name")
    func foreignField() throws {
        var options = EventOptions()
        options.fields.user = "uid"
        let event = try decode(#"{"freshet":"yes","uid":"a","user":"b","item":"i","rating":1}"#, options)
        #expect(try event.key == id("a"))
    }

    @Test("as a producer would write it, a time reads back under the same unit", arguments: TimeUnit.allCases)
    func producers(unit: TimeUnit) throws {
        var options = EventOptions()
        options.timeUnit = unit
        for event in try events {
            #expect(
                try EventDecoder(options: options).decode(EventEncoder.encode(event, options: options))
                    == event)
        }
    }
}
