internal import Events

/// What events as JSON are made of.
enum EventPieces {
    static let seeds: [[UInt8]] = [
        #"{"user":"u42","item":"i7","rating":4.5,"ts":1260759144000,"id":"evt-8841"}"#,
        #"{"type":"signal","user":42,"item":"i7\n","signal":"click","ts":"2009-12-14T02:52:24Z"}"#,
        #"{"type":"item","item":"i7","title":"Toy Story 😀","tags":["Animation","Com\"edy"],"available":true}"#,
        #"{"type":"item","item":"i7","add-tags":["toy","rivalry"],"ts":1260759144}"#,
        #"{"type":"user","user":"u42","tags":"F|age:25|occupation:4"}"#,
        #"{"type":"retract","user":"u42","item":"i7"}"#, #"{"type":"hide","user":"u42","item":"i7"}"#,
        #"{"type":"forget","user":"\ud83d\ude00","x":[[[{"a":[null,false]}]]]}"#,
        #"{"type":"promote","model":"als"}"#, #"{"freshet":1,"user":"u","item":"i","rating":"4"}"#,
    ].map { Array($0.utf8) }

    static let mutation = ByteMutation([
        "{", "}", "[", "]", "\"", "\\", ":", ",", "null", "true", "1e400", "-", "\\ud800", "\\u0000",
        "1e-400", "NaN",
        "Infinity", #""user":"#, #""item":"#, #""tags":["#, #""ts":"#, #""type":"item","#, #""available":0"#,
        "-0",
        "99999999999999999999", "340282356779733661637539395458142568447", "0.1e1", "\u{FEFF}", "\n", "\r",
        "\u{0}",
        String(repeating: "[", count: 40), String(repeating: "z", count: 257),
        #""2262-04-11T23:47:16.854775808Z""#,
        #""2009-12-14T02:52:60+23:59""#, "18446744073709551616", #""freshet":1,"#, "\u{202E}",
        #""a":{"a":{"a":"#,
    ])

    static func record(_ numbers: inout FuzzNumbers) -> [UInt8] {
        var bytes = numbers.pick(seeds)
        if !numbers.happens(oneIn: 8) { mutation.change(&bytes, times: 1 + numbers.below(5), &numbers) }
        return bytes
    }

    static func decode(_ decoder: EventDecoder, _ bytes: UnsafeRawBufferPointer) -> Result<Event, EventError>
    {
        do throws(EventError) {
            return .success(try decoder.decode(bytes))
        } catch {
            return .failure(error)
        }
    }
}

/// What is taken keeps every limit, and comes to the same when it is written and read again.
struct EventTarget: FuzzTarget {
    private let options = EventOptions()
    private let decoder = EventDecoder(options: EventOptions())

    mutating func run(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> (tried: Int, taken: Int) {
        let bytes = EventPieces.record(&numbers)
        guard let event = try? decoder.decode(bytes) else { return (1, 0) }
        do throws(EventError) {
            try options.check(event)
            guard try decoder.decode(EventEncoder.encode(event, options: options)) == event,
                try decoder.decode(EventEncoder.record(of: event)) == event
            else { throw .notAnObject }
        } catch {
            throw FuzzFinding(what: "taken, but not as it is written: \(error)", input: bytes)
        }
        return (1, 1)
    }
}

/// Records that lie one behind the other are taken and refused as each by itself is, in the same words; a refused one leaves
/// nothing behind.
struct RecordTarget: FuzzTarget {
    private static let records = 8
    private let single = EventDecoder(options: EventOptions())
    private let batch = EventDecoder(options: EventOptions())
    private var events = DecodedEvents()

    mutating func run(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> (tried: Int, taken: Int) {
        var (buffer, ranges) = ([UInt8](), [Range<Int>]())
        for _ in 0..<Self.records {
            // Brokers have any bytes, and none.
            let record =
                switch numbers.below(32) {
                case 0: [UInt8]()
                case 1: (0..<numbers.below(64)).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
                default: EventPieces.record(&numbers)
                }
            ranges.append(buffer.count..<buffer.count + record.count)
            buffer += record
        }
        buffer += [UInt8](repeating: UInt8(ascii: "{"), count: EventDecoder.padding)
        events.removeAll(keepingCapacity: true)
        var taken = 0
        for (offset, range) in ranges.enumerated() {
            let alone = buffer[range] + [UInt8](repeating: 0, count: EventDecoder.padding)
            let wanted = alone.withUnsafeBytes { bytes in
                EventPieces.decode(single, UnsafeRawBufferPointer(rebasing: bytes[..<range.count]))
            }
            let before = (events.count, events.ids.count)
            let refusal = buffer.withUnsafeBytes { bytes -> EventError? in
                let token = Token(partition: 0, offset: Int64(offset))
                do throws(EventError) {
                    try batch.decode(
                        UnsafeRawBufferPointer(rebasing: bytes[range]), token: token, logTime: 1,
                        into: &events)
                    return nil
                } catch {
                    return error
                }
            }
            switch (wanted, refusal) {
            case (.success, nil) where events.count == before.0 + 1: taken += 1
            case (.failure(let error), let refusal?)
            where "\(error)" == "\(refusal)" && before == (events.count, events.ids.count):
                break
            default:
                throw FuzzFinding(
                    what: "alone \(wanted), in a batch \(refusal.map { "\($0)" } ?? "taken")",
                    input: Array(buffer[range]))
            }
        }
        return (Self.records, taken)
    }
}
