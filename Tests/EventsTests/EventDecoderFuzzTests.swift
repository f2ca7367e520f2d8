import Events
import Testing

@Suite("Decoding junk")
struct EventDecoderFuzzTests {
    private static let seeds = [
        #"{"user":"u42","item":"i7","rating":4.5,"ts":1260759144000}"#,
        #"{"type":"signal","user":42,"item":"i7\n","signal":"click","ts":1.2e12}"#,
        #"{"type":"item","item":"i7","title":"Toy Story 😀","tags":["Animation","Com\"edy"],"available":true}"#,
        #"{"type":"forget","user":"\ud83d\ude00","x":[[[{"a":[null,false]}]]]}"#,
    ]
    private static let pieces: [[UInt8]] = [
        "{", "}", "[", "]", "\"", "\\", ":", ",", "null", "1e400", "-", "\\ud800", "\\u0000", "1e-400",
        #""user":"#, #""tags":["#, "99999999999999999999",
    ].map { Array($0.utf8) }

    @Test("mutated records never crash, and what is accepted keeps the limits", arguments: 0..<16)
    func mutated(seed: UInt64) throws {
        var draws = Draws(seed: seed)
        let options = EventOptions()
        let decoder = EventDecoder(options: options)
        var refused = 0
        for _ in 0..<1_000 {
            var bytes = Array((Self.seeds.randomElement(using: &draws) ?? "").utf8)
            for _ in 0..<Int.random(in: 1...6, using: &draws) { mutate(&bytes, &draws) }
            guard let event = try? decoder.decode(bytes) else {
                refused += 1
                continue
            }
            try options.check(event)
            #expect(try decoder.decode(EventEncoder.encode(event, options: options)) == event)
        }
        #expect(refused > 0)
    }

    @Test("a record is read from the middle of a buffer without a glance at its neighbours")
    func neighbours() throws {
        let decoder = EventDecoder(options: EventOptions())
        let first = Array(#"{"user":1,"item":2,"rating":3}"#.utf8)
        let second = Array(#"{"user":"#.utf8)
        let buffer = first + second + first + [UInt8](repeating: 0x7B, count: EventDecoder.padding)
        buffer.withUnsafeBytes { bytes in
            let starts = [0, first.count, first.count + second.count]
            let counts = [first.count, second.count, first.count]
            let results = zip(starts, counts).map { start, count in
                try? decoder.decode(UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
            }
            #expect(results.map { $0 == nil } == [false, true, false])
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ draws: inout Draws) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &draws)
        switch Int.random(in: 0..<5, using: &draws) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &draws)
        case 1: bytes.remove(at: place)
        case 2: bytes.removeSubrange(place...)
        case 3: bytes.insert(contentsOf: Self.pieces.randomElement(using: &draws) ?? [], at: place)
        default:
            let end = Int.random(in: place...bytes.count, using: &draws)
            bytes.insert(contentsOf: bytes[place..<end], at: place)
        }
    }
}
