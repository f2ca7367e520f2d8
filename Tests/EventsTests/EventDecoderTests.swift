import Events
import Testing

@Suite("Decoding events from JSON")
struct EventDecoderTests {
    @Test("each kind of event is read")
    func kinds() throws {
        #expect(
            try decode(#"{"user":"u42","item":"i7","rating":4.5,"ts":1260759144000}"#)
                == Event(.rating(user: id("u42"), item: id("i7"), value: 4.5), time: 1_260_759_144_000))
        #expect(
            try decode(#"{"type":"signal","user":"u42","item":"i7","signal":"click","ts":12}"#)
                == Event(.signal(user: id("u42"), item: id("i7"), name: "click"), time: 12_000))
        #expect(
            try decode(#"{"type":"retract","user":"u42","item":"i7"}"#)
                == Event(.retract(user: id("u42"), item: id("i7"))))
        #expect(
            try decode(#"{"type":"hide","user":"u42","item":7,"ts":3}"#)
                == Event(.hide(user: id("u42"), item: id("7")), time: 3_000))
        #expect(
            try decode(#"{"type":"unhide","user":"u42","item":"i7"}"#)
                == Event(.unhide(user: id("u42"), item: id("i7"))))
        #expect(throws: EventError.missingField("item")) { try decode(#"{"type":"hide","user":"u42"}"#) }
        #expect(throws: EventError.missingField("user")) { try decode(#"{"type":"unhide","item":"i"}"#) }
        #expect(try decode(#"{"type":"forget","user":"u42"}"#) == Event(.forget(user: id("u42"))))
        #expect(
            try decode(
                #"{"type":"item","item":"i7","title":"Toy Story (1995)","tags":["A","B"],"available":true}"#)
                == Event(
                    .item(
                        ItemDescription(
                            item: id("i7"), title: "Toy Story (1995)", tags: ["A", "B"], available: true))))
        #expect(try decode(#"{"type":"item","item":"i7"}"#) == Event(.item(ItemDescription(item: id("i7")))))
    }

    @Test("an integer id is its decimal text")
    func integerIDs() throws {
        let event = try decode(#"{"user":18446744073709551615,"item":-7,"rating":3}"#)
        #expect(event == Event(.rating(user: try id("18446744073709551615"), item: try id("-7"), value: 3)))
        let wanted = EventError.badValue(field: "user", found: "1.5", wanted: "a string or an integer")
        #expect(throws: wanted) {
            try decode(#"{"user":1.5,"item":1,"rating":3}"#)
        }
    }

    @Test("unknown fields are ignored, null is absent, the last of two equal keys holds")
    func leniency() throws {
        let event = try decode(
            #"{"x":{"user":[1,{"y":null}]},"user":"a","user":"b","item":"i","rating":1,"rating":2,"ts":null,"type":null}"#
        )
        #expect(event == Event(.rating(user: try id("b"), item: try id("i"), value: 2)))
        #expect(throws: EventError.missingField("user")) {
            try decode(#"{"user":null,"item":"i","rating":1}"#)
        }
    }

    @Test("fields can be mapped to the producer's names")
    func mapping() throws {
        var options = EventOptions()
        options.fields.user = "userId"
        options.fields.item = "größe \"7\""
        options.fields.type = "kind"
        let event = try decode(
            #"{"kind":"rating","userId":9,"größe \"7\"":"x","rating":1,"type":5}"#, options)
        #expect(event == Event(.rating(user: try id("9"), item: try id("x"), value: 1)))
        #expect(throws: EventError.missingField("userId")) {
            try decode(#"{"user":9,"item":"x","rating":1}"#, options)
        }
    }

    @Test(
        "an absurd time is refused",
        arguments: [
            "-1", "7258118400001", "9223372036854775807", "18446744073709551616", "1e300", "-1e300", "1e400",
        ])
    func absurdTimes(text: String) {
        #expect {
            try decode(#"{"user":1,"item":1,"rating":1,"ts":\#(text)}"#)
        } throws: {
            if case .timeOutOfRange? = $0 as? EventError { true } else { false }
        }
    }

    @Test(
        "an absurd rating is refused with the range allowed",
        arguments: ["-0.5", "100.1", "1e308", "-1e18", "1e400", "-1e400"]
    )
    func absurdRatings(text: String) {
        #expect {
            try decode(#"{"user":1,"item":1,"rating":\#(text)}"#)
        } throws: {
            if case .ratingOutOfRange(_, 0...100)? = $0 as? EventError { true } else { false }
        }
    }

    @Test(
        "what JSON has no numbers for is not JSON",
        arguments: ["NaN", "Infinity", "-Infinity", "0x10", "01", ".5", "1.", "+1"])
    func notNumbers(text: String) {
        expectNotJSON(#"{"user":1,"item":1,"rating":\#(text)}"#)
    }

    @Test(
        "a rating that is no number is refused with field, value and what is allowed",
        arguments: [
            (#""five""#, "'five'"), (#""4,5""#, "'4,5'"), (#""1,234.5""#, "'1,234.5'"), (#""NaN""#, "'NaN'"),
            (#""0x3""#, "'0x3'"), (#""""#, "''"), ("true", "true"), (#"["4"]"#, "an array"),
            ("{}", "an object, or an array that does not hold strings alone"),
        ])
    func mistypedRatings(text: String, shown: String) {
        #expect(throws: EventError.badValue(field: "rating", found: shown, wanted: "a number")) {
            try decode(#"{"user":1,"item":1,"rating":\#(text)}"#)
        }
    }

    @Test(
        "malformed and truncated JSON is refused in the parser's words",
        arguments: [
            "", " ", "{", #"{"user":"#, #"{"user":"a"#, #"{"user":"a","item":"b","rating":1"#, "{}{}", "{]",
            #"{"user":"a",}"#, #"{'user':'a'}"#, #"{"user":"a" "item":"b"}"#, "nul", "{\"user\":\"a\nb\"}",
            #"{"user":"\x"}"#, #"{"junk":tru,"user":"a","item":"b","rating":1}"#,
        ])
    func malformed(text: String) {
        expectNotJSON(text)
    }

    @Test(
        "an array or a scalar is not an object",
        arguments: ["[]", #"[{"user":1}]"#, "1", #""x""#, "null", "true"])
    func notObjects(text: String) {
        #expect(throws: EventError.notAnObject) { try decode(text) }
    }

    @Test("an empty id and a 300-byte id are refused, 256 bytes are not")
    func idLengths() throws {
        #expect(throws: EventError.badID(field: "user", .idEmpty)) {
            try decode(#"{"user":"","item":1,"rating":1}"#)
        }
        let long = String(repeating: "x", count: 300)
        #expect(throws: EventError.badID(field: "item", .idTooLong(bytes: 300))) {
            try decode(#"{"user":1,"item":"\#(long)","rating":1}"#)
        }
        let allowed = String(repeating: "é", count: 128)
        #expect(try decode(#"{"user":"\#(allowed)","item":1,"rating":1}"#).key == id(allowed))
    }

    @Test("unknown types and signals are named with what is allowed")
    func unknownNames() {
        #expect(throws: EventError.unknownType("like")) { try decode(#"{"type":"like","user":1,"item":1}"#) }
        #expect(throws: EventError.unknownSignal("buy", allowed: ["click"])) {
            try decode(#"{"type":"signal","user":1,"item":1,"signal":"buy"}"#)
        }
        #expect(throws: EventError.badValue(field: "type", found: "true", wanted: "a string")) {
            try decode(#"{"type":true,"user":1,"item":1}"#)
        }
    }

    @Test("a missing field is named", arguments: ["user", "item", "rating"])
    func missing(field: String) {
        let all = ["user": #""user":1"#, "item": #""item":2"#, "rating": #""rating":3"#]
        let json = "{" + all.filter { $0.key != field }.values.joined(separator: ",") + "}"
        #expect(throws: EventError.missingField(field)) { try decode(json) }
    }

    @Test("a record above the limit is refused before it is parsed, one at the limit is read")
    func oversized() throws {
        let start = #"{"user":1,"item":1,"rating":1,"x":""#
        let fits = start + String(repeating: "x", count: 65_536 - start.utf8.count - 2) + "\"}"
        #expect(try decode(fits).key == id("1"))
        #expect(throws: EventError.tooLong(bytes: 65_537, bytesMax: 65_536)) { try decode(fits + " ") }
    }

    @Test("titles and tags have limits")
    func descriptionLimits() {
        let long = String(repeating: "t", count: 1_025)
        #expect(throws: EventError.textTooLong(field: "title", bytes: 1_025, bytesMax: 1_024)) {
            try decode(#"{"type":"item","item":1,"title":"\#(long)"}"#)
        }
        let many = repeatElement(#""t""#, count: 257).joined(separator: ",")
        #expect(throws: EventError.tooManyTags(field: "tags", 257, max: 256)) {
            try decode(#"{"type":"item","item":1,"tags":[\#(many)]}"#)
        }
        let tag = String(repeating: "t", count: 257)
        #expect(throws: EventError.textTooLong(field: "tags", bytes: 257, bytesMax: 256)) {
            try decode(#"{"type":"item","item":1,"tags":["\#(tag)"]}"#)
        }
    }

    @Test("an array under another field leaves the tags as they are")
    func arraysElsewhere() throws {
        let event = try decode(#"{"type":"item","item":1,"tags":["a","b"],"rating":["x","y","z"]}"#)
        #expect(event == Event(.item(ItemDescription(item: try id("1"), tags: ["a", "b"]))))
    }

    @Test(
        "invalid UTF-8 is refused",
        arguments: [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        #expect {
            try decode(bytes: Array(#"{"user":""#.utf8) + bytes + Array(#"","item":1,"rating":1}"#.utf8))
        } throws: {
            if case .notJSON? = $0 as? EventError { true } else { false }
        }
    }

    @Test(
        "half of a surrogate pair is refused",
        arguments: [#"\ud800"#, #"\udc00"#, #"\ud800x"#, #"\ud83d\ud83d"#, #"\udc00\ud800"#])
    func loneSurrogates(escape: String) {
        expectNotJSON(#"{"user":"\#(escape)","item":1,"rating":1}"#)
    }

    @Test("a whole surrogate pair and NUL are read")
    func escapes() throws {
        #expect(try decode(#"{"user":"\ud83d\ude00\u0000","item":1,"rating":1}"#).key == id("😀\0"))
    }

    @Test("deep nesting is refused and not followed")
    func deepNesting() {
        let deep = String(repeating: "[", count: 30_000) + String(repeating: "]", count: 30_000)
        expectNotJSON(deep)
        expectNotJSON(#"{"user":1,"item":1,"rating":1,"x":\#(deep)}"#)
        expectNotJSON(String(repeating: #"{"a":"#, count: 10_000))
    }

    private func expectNotJSON(_ text: String, _ location: SourceLocation = #_sourceLocation) {
        #expect(sourceLocation: location) {
            try decode(text)
        } throws: {
            if case .notJSON(let why)? = $0 as? EventError { !why.isEmpty } else { false }
        }
    }
}
