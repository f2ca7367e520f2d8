import Events
import Testing

@Suite("Events decoded together")
struct DecodedEventsTests {
    private static let records = [
        #"{"user":"u42","item":"i7","rating":4.5,"ts":1260759144000}"#,
        #"{"type":"signal","user":"a-user-of-many-bytes","item":"i7","signal":"click","ts":1260759144000}"#,
        #"{"type":"forget","user":"u42","id":"evt-8841"}"#,
        #"{"user":42,"item":18446744073709551616,"rating":"3"}"#,
        #"{"type":"SIGNAL","user":"u","item":"i","signal":"click","id":7}"#,
        #"{"type":"signal","user":"u","item":"i","signal":"wave"}"#,
        #"{"type":"item","item":"i7","title":"Toy Story","tags":["Animation"],"available":true,"ts":1}"#,
        #"{"type":"hide","user":"u","item":"é","ts":"2009-12-14T02:52:24Z"}"#,
        #"{"type":"unhide","user":"u","item":"é"}"#, #"{"type":"retract","user":"u","item":"i","ts":5}"#,
        #"{"type":"wish","user":"u","item":"i"}"#, #"{"user":"","item":"i","rating":1}"#,
        #"{"user":"u","item":"i","rating":1e9}"#, #"{"user":"u","item":"i","rating":1,"ts":-5}"#,
        #"{"user":"u","rating":1}"#, #"{"user":"u","item":["i"],"rating":1}"#, "[]", "{", "",
        #"{"freshet":1,"user":"u","item":"i","rating":2,"ts":99}"#,
    ]

    /// Decodes by both ways; what they took has to be the same, and what they refused, in the same words.
    private func decode(_ records: [[UInt8]], logTime: Int64 = 77) -> (
        batch: DecodedEvents, reference: DecodedEvents
    ) {
        let decoder = EventDecoder(options: EventOptions())
        var (batch, reference) = (DecodedEvents(), DecodedEvents())
        for (number, record) in records.enumerated() {
            let token = Token(partition: 3, offset: Int64(number))
            var refusals: [String?] = [nil, nil]
            do throws(EventError) {
                reference.append(try decoder.decode(record), token: token, logTime: logTime)
            } catch { refusals[0] = "\(error)" }
            let padded = record + [UInt8](repeating: 0x22, count: EventDecoder.padding)
            padded.withUnsafeBytes { bytes in
                do throws(EventError) {
                    let payload = UnsafeRawBufferPointer(rebasing: bytes[..<record.count])
                    try decoder.decode(payload, token: token, logTime: logTime, into: &batch)
                } catch { refusals[1] = "\(error)" }
            }
            #expect(refusals[0] == refusals[1])
        }
        return (batch, reference)
    }

    @Test("each kind is taken, or refused, as when it is decoded alone")
    func sameAsAlone() {
        let (batch, reference) = decode(Self.records.map { Array($0.utf8) })
        #expect(batch == reference)
        #expect(batch.count == 10)
        #expect(batch.signals == ["click"])
        #expect(batch.descriptions.map(\.title) == ["Toy Story"])
    }

    /// One event of the year 2199 made all that others had just done ages old: it was recommended again, and what fades by time
    /// had no scores any more.
    @Test("an event that is far ahead of the log's time counts as of that, and is known again all the same")
    func aheadOfTheLog() {
        let logTime: Int64 = 1_795_000_000_000
        func rating(_ time: Int64) -> [UInt8] {
            Array(#"{"user":"u","item":"i","rating":4,"ts":\#(time)}"#.utf8)
        }
        let (hour, year) = (Int64(3_600_000), Int64(31_536_000_000))
        let times = [logTime + 20 * hour, logTime + 30 * hour, logTime + 170 * year, logTime - 20 * year]
        let (batch, reference) = decode(times.map(rating), logTime: logTime)
        #expect(batch == reference)
        #expect(batch.entries.map(\.time) == [times[0], logTime, logTime, times[3]])
        #expect(batch.entries.map(\.isTimed) == [true, false, false, true])
        #expect(batch.entries.map(\.isAhead) == [false, true, true, false])
        #expect(Set(batch.entries.map(\.fingerprint)).count == 4)
        // A log that tells no times.
        #expect(decode(times.map(rating), logTime: 0).batch.entries.map(\.time) == times)
    }

    @Test("mutated records too", arguments: 0..<8)
    func mutated(seed: UInt64) {
        var draws = Draws(seed: seed)
        let records = (0..<2_000).map { _ in
            var bytes = Array((Self.records.randomElement(using: &draws) ?? "").utf8)
            for _ in 0..<Int.random(in: 0...3, using: &draws) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &draws)
                if Bool.random(using: &draws) {
                    bytes[place] = UInt8.random(in: 0x20...0x7E, using: &draws)
                } else {
                    bytes.remove(at: place)
                }
            }
            return bytes
        }
        let (batch, reference) = decode(records)
        #expect(batch == reference)
        #expect(batch.count > 100)
    }

    @Test("fingerprints are those of the states that are there already")
    func fingerprints() {
        let (batch, _) = decode(Self.records.prefix(3).map { Array($0.utf8) })
        // Worked out by another program.
        #expect(
            batch.entries.map(\.fingerprint) == [
                0x4760_E20E_4B6C_44DB, 0xCDA0_0D06_0BF1_05FD, 0x8B1E_9CD4_4382_CB2C,
            ])
        #expect(batch.entries.map(\.isKnownAgain) == [true, true, true])
    }

    @Test("batches taken together are as if they had been decoded together")
    func together() {
        let records = Self.records.map { Array($0.utf8) }
        let (whole, _) = decode(records)
        let renamed = Array(#"{"type":"signal","user":"u","item":"i","signal":"click"}"#.utf8)
        var merged = DecodedEvents()
        merged.append(decode(records).batch)
        merged.append(decode([renamed]).batch)
        #expect(merged.count == whole.count + 1)
        #expect(Array(merged.entries.dropLast()) == whole.entries)
        #expect(merged.signals == ["click"])
        #expect(merged.entries.last.map { String(decoding: merged.ids[$0.user.range], as: UTF8.self) } == "u")
    }

    @Test("one signal more than a name: by its place in the list")
    func severalSignals() {
        var (first, second) = (DecodedEvents(), DecodedEvents())
        func signal(_ name: String) throws -> Event {
            Event(.signal(user: try id("u"), item: try id("i"), name: name))
        }
        for (names, isFirst) in [(["buy", "click"], true), (["click", "view"], false)] {
            for name in names {
                guard let event = try? signal(name) else { continue }
                let token = Token(partition: 0, offset: 0)
                if isFirst {
                    first.append(event, token: token, logTime: 0)
                } else {
                    second.append(event, token: token, logTime: 0)
                }
            }
        }
        first.append(second)
        #expect(first.entries.map { first.signals[Int($0.reference)] } == ["buy", "click", "click", "view"])
    }
}
