import Testing

@testable import Events

@Suite("Promotions in the log")
struct PromotionTests {
    @Test("are written and read as they are shown, with time and id, also as freshet's own")
    func text() throws {
        let event = Event(.promote(model: "als"))
        let json = EventEncoder.encode(event, options: EventOptions())
        #expect(String(decoding: json, as: UTF8.self) == #"{"type":"promote","model":"als"}"#)
        #expect(
            try decode(#"{"model":"als","type":"promote","user":7,"ts":5000,"id":"e1"}"#)
                == Event(.promote(model: "als"), time: 5_000_000, id: "e1"))
        var options = EventOptions()
        options.fields.item = "model"
        let own = EventEncoder.record(of: Event(.promote(model: "a"), time: 5))
        #expect(try EventDecoder(options: options).decode(own) == Event(.promote(model: "a"), time: 5))
        // Where producers' items are called so, they stay what they were.
        let rating = try decode(#"{"user":"u","model":"m","rating":3}"#, options)
        #expect(try rating == Event(.rating(user: id("u"), item: id("m"), value: 3)))
    }

    @Test("all have one key, so that a topic keeps them in their order; two of one id are one")
    func identity() {
        let (one, other) = (Event(.promote(model: "a"), id: "x"), Event(.promote(model: "b"), id: "x"))
        #expect(one.key == other.key && one.item == nil && one.user == nil)
        #expect(one.fingerprint == Event(.promote(model: "a"), time: 9, id: "x").fingerprint)
        #expect(one.fingerprint != other.fingerprint)
        #expect(Event(.promote(model: "a")).fingerprint == nil)
    }

    @Test("without a model, or of one that is not there, they are refused with what is there")
    func refused() throws {
        var options = EventOptions()
        options.models = ["stars", "likes"]
        #expect(try decode(#"{"type":"promote","model":"likes"}"#, options).kind == .promote(model: "likes"))
        #expect(throws: EventError.unknownModel("als", allowed: ["stars", "likes"])) {
            try decode(#"{"type":"promote","model":"als"}"#, options)
        }
        #expect(throws: EventError.missingField("model")) { try decode(#"{"type":"promote"}"#) }
        for model in [#""""#, "[]", "true", "\"\(String(repeating: "m", count: 257))\""] {
            #expect(throws: EventError.self) { try decode("{\"type\":\"promote\",\"model\":\(model)}") }
        }
        #expect(throws: EventError.unknownModel("als", allowed: ["stars", "likes"])) {
            try options.check(Event(.promote(model: "als")))
        }
    }

    @Test("in batches each keeps its model, wherever it stands")
    func batches() throws {
        var (first, second) = (DecodedEvents(), DecodedEvents())
        let decoder = EventDecoder(options: EventOptions())
        func take(_ json: String, _ offset: Int64, into events: inout DecodedEvents) throws {
            let padded = Array(json.utf8) + [UInt8](repeating: 0, count: EventDecoder.padding)
            try padded.withUnsafeBytes { bytes in
                try decoder.decode(
                    UnsafeRawBufferPointer(rebasing: bytes[..<json.utf8.count]),
                    token: Token(partition: 0, offset: offset), logTime: 0, into: &events)
            }
        }
        try take(#"{"type":"promote","model":"a"}"#, 0, into: &first)
        try take(#"{"user":"u","item":"i","rating":1}"#, 1, into: &second)
        try take(#"{"type":"promote","model":"b"}"#, 2, into: &second)
        first.append(second)
        #expect(
            first.entries.filter { $0.kind == .promote }.map { first.models[Int($0.reference)] } == [
                "a", "b",
            ])
        first.removeAll()
        try take(#"{"type":"promote","model":"c"}"#, 3, into: &first)
        #expect(first.models == ["c"] && first.entries[0].reference == 0)
    }
}
