import NIOCore
import Testing

@testable import RPC

@Suite("RESP codec")
struct CodecTests {
    private func decode(_ chunks: [[UInt8]], limits: RequestLimits = RequestLimits()) throws -> [RESPRequest]
    {
        var decoder = RESPDecoder(limits: limits)
        var input = ByteBuffer()
        var requests: [RESPRequest] = []
        for chunk in chunks {
            input.writeBytes(chunk)
            while let request = try decoder.next(from: &input) { requests.append(request) }
        }
        return requests
    }

    private func refusal(_ text: String, limits: RequestLimits = RequestLimits()) -> String? {
        do {
            _ = try decode([Array(text.utf8)], limits: limits)
            return nil
        } catch {
            return "\(error)"
        }
    }

    static let stream = Array(
        "*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\nPING\r\n*0\r\n\r\n*1\r\n$0\r\n\r\nECHO \"a b\\x41\\n\" 'c\\'d'\n"
            .utf8)
    static let requests = [
        RESPRequest(["ECHO", "a\r\n"]), RESPRequest(["PING"]), RESPRequest([""]),
        RESPRequest(["ECHO", "a bA\n", "c'd"]),
    ]

    @Test("commands come out the same wherever the stream is cut in two")
    func cutAnywhere() throws {
        for cut in 0...Self.stream.count {
            let chunks = [Array(Self.stream[..<cut]), Array(Self.stream[cut...])]
            #expect(try decode(chunks) == Self.requests, "cut at \(cut)")
        }
    }

    @Test("commands come out the same byte by byte")
    func byteByByte() throws {
        #expect(try decode(Self.stream.map { [$0] }) == Self.requests)
    }

    @Test(
        "what is no RESP is refused with Redis's words",
        arguments: [
            ("*x\r\n", "invalid multibulk length"), ("*1\r\n:1\r\n", "expected '$', got ':'"),
            ("*1\r\n$-1\r\n", "invalid bulk length"), ("*1\r\n$x\r\n", "invalid bulk length"),
            ("*1\r\n$1\r\nabc\r\n", "does not end in CR LF"),
            ("ECHO \"a\r\n", "unbalanced quotes in request"),
            ("ECHO 'a'b\r\n", "unbalanced quotes in request"),
            ("*99999999999999999999\r\n", "invalid multibulk length"),
            ("*" + String(repeating: "1", count: 100), "invalid multibulk length"),
        ])
    func notRESP(text: String, reason: String) throws {
        let error = try #require(refusal(text))
        #expect(error.hasPrefix("ERR Protocol error: "))
        #expect(error.contains(reason))
    }

    @Test("a header's number may bear a sign and zeros, and its line may end in a line feed alone")
    func headers() throws {
        let stream = "*+1\r\n$+04\r\nPING\r\n*-1\r\n*-0\n*02\n$4\nECHO\r\n$0\n\r\n"
        #expect(try decode([Array(stream.utf8)]) == [RESPRequest(["PING"]), RESPRequest(["ECHO", ""])])
    }

    @Test("a refusal says which bound was passed, in full")
    func refusals() {
        let limits = RequestLimits(requestBytesMax: 100, argumentsMax: 5, bulkBytesMax: 40)
        let tooLong = String(repeating: "1", count: 70)
        for (text, reason) in [
            ("*" + tooLong, "invalid multibulk length: no end within 64 bytes"),
            ("*" + tooLong + "\n", "invalid multibulk length: over 64 bytes"),
            ("*1\r\n$" + tooLong, "invalid bulk length: no end within 64 bytes"),
            ("*6\r\n", "invalid multibulk length: 6 arguments; at most 5 are allowed"),
            ("*1\r\n$41\r\n", "invalid bulk length: 41 bytes in one argument; at most 40 are allowed"),
            ("*1\r\n$-2\r\n", "invalid bulk length: -2"),
            ("*1\r\n\u{7}", "expected '$', got '\\x7'"),
            ("*1\r\n$2\r\nabcd", "argument of 2 bytes does not end in CR LF"),
            (String(repeating: "x", count: 41), "too big inline request: no end within 40 bytes"),
            (String(repeating: "x", count: 41) + "\n", "too big inline request: over 40 bytes"),
        ] {
            #expect(refusal(text, limits: limits) == "ERR Protocol error: \(reason)")
        }
    }

    @Test("decimal bytes are read as a string of them would be")
    func decimals() {
        for text in [
            "", "0", "-0", "+0", "7", "-7", "+7", "007", "-", "+", "--1", "1-", "1 ", " 1", "1.0", "1e3", "x",
            "\u{7F}",
            "\u{661}", "127", "128", "-128", "-129", "9223372036854775807", "9223372036854775808",
            "-9223372036854775808", "-9223372036854775809", "99999999999999999999",
        ] {
            Array(text.utf8).withUnsafeBytes { bytes in
                #expect(Int(decimal: bytes) == Int(text), "\(text)")
                #expect(Int8(decimal: bytes) == Int8(text), "\(text)")
            }
        }
    }

    @Test("a request past a limit is refused as soon as it claims so")
    func limits() throws {
        let limits = RequestLimits(requestBytesMax: 100, argumentsMax: 5, bulkBytesMax: 40)
        #expect(try decode([Array("*5\r\n".utf8)], limits: limits).isEmpty)
        #expect(refusal("*6\r\n", limits: limits)?.contains("at most 5 are allowed") == true)
        #expect(refusal("*1\r\n$41\r\n", limits: limits)?.contains("at most 40 are allowed") == true)
        let argument = "$40\r\n" + String(repeating: "x", count: 40) + "\r\n"
        #expect(refusal("*2\r\n" + argument + "$40\r\n", limits: limits) == nil)
        #expect(
            refusal("*3\r\n" + argument + argument + "$40\r\n", limits: limits)?.contains("100 bytes") == true
        )
        #expect(
            refusal(String(repeating: "x", count: 50), limits: limits)?.contains("too big inline") == true)
    }

    @Test("random bytes never crash the decoder")
    func fuzz() {
        var random = SeededGenerator(seed: 7)
        let alphabet = Array("*$\r\n0123456789-abPING \"'\\x".utf8) + [0, 0xFF]
        for _ in 0..<20_000 {
            var bytes = Self.stream
            if random.next() % 2 == 0 {
                bytes = (0..<Int(random.next() % 60)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            } else {
                for _ in 0..<3 {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(random.next() % 256)
                }
            }
            let cut = Int(random.next() % UInt64(bytes.count + 1))
            let requests = (try? decode([Array(bytes[..<cut]), Array(bytes[cut...])])) ?? []
            #expect(requests.allSatisfy { !$0.isEmpty })
        }
    }

    static let value = RESPValue.array([
        .simple("OK"), .error("ERR no"), .integer(-7), .bulk([0, 13, 10, 255]), .null, .double(0.25),
        .boolean(true), .boolean(false), .map([(.text("k"), .integer(1)), (.text("n"), .null)]), .array([]),
    ])

    private func encode(_ value: RESPValue, _ version: RESPVersion) -> [UInt8] {
        var output = ByteBuffer()
        RESPEncoder(version: version).encode(value, into: &output)
        return Array(output.readableBytesView)
    }

    @Test("RESP 2 has flat maps, doubles as text, booleans as integers and $-1")
    func encodesRESP2() {
        let expected: [UInt8] =
            Array("*10\r\n+OK\r\n-ERR no\r\n:-7\r\n$4\r\n".utf8) + [0, 13, 10, 255]
            + Array(
                "\r\n$-1\r\n$4\r\n0.25\r\n:1\r\n:0\r\n*4\r\n$1\r\nk\r\n:1\r\n$1\r\nn\r\n$-1\r\n*0\r\n".utf8)
        #expect(encode(Self.value, .two) == expected)
    }

    @Test("RESP 3 reads back as it was written, wherever it is cut")
    func roundTrip() throws {
        let bytes = encode(Self.value, .three)
        for size in 1...bytes.count {
            var reader = RESPReplyReader()
            var rest = bytes[...]
            let value = try reader.next { reader throws(RPCClientError) in
                guard !rest.isEmpty else { throw RPCClientError("end") }
                reader.append(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(value == Self.value)
        }
    }

    @Test("a line break in an error cannot forge an answer")
    func noForgery() {
        #expect(encode(.error("ERR a\r\n+OK"), .two) == Array("-ERR a  +OK\r\n".utf8))
    }

    @Test("a float goes out in its shortest form")
    func shortest() {
        #expect(encode(.shortest(0.1), .three) == Array(",0.1\r\n".utf8))
    }

    @Test("answers leave in the order of their commands, however they come")
    func replyOrder() {
        var queue = ReplyQueue()
        var output = OutputBuffer()
        func fill(_ place: ReplyQueue.Place, _ number: Int64) {
            queue.fill(place, movingTo: &output) {
                RESPEncoder(version: .two).encode(.integer(number), into: &$0)
            }
        }
        let places = (0..<4).map { _ in queue.take() }
        for index in [2, 1] { fill(places[index], Int64(index)) }
        #expect(output.readableBytes == 0)
        #expect(queue.heldBytes == 8)
        fill(places[0], 0)
        #expect(output.next().map { String(buffer: $0) } == ":0\r\n:1\r\n:2\r\n")
        #expect(queue.heldBytes == 0)
        fill(places[3], 3)
        #expect(queue.isEmpty)
        #expect(output.next().map { String(buffer: $0) } == ":3\r\n")
        #expect(output.readableBytes == 0)
    }

    @Test("answers that wait come out of their pieces whole and in order")
    func pieces() {
        var output = OutputBuffer()
        var written: [UInt8] = []
        for number in 0..<40_000 {
            let text = Array("\(number) ".utf8)
            output.write { $0.writeBytes(text) }
            written += text
        }
        #expect(output.readableBytes == written.count)
        var read: [UInt8] = []
        var pieces = 0
        while let piece = output.next() {
            read += Array(buffer: piece)
            pieces += 1
        }
        #expect(read == written)
        #expect(pieces > 2)
        #expect(output.readableBytes == 0)
    }
}

/// SplitMix64: small, and the same on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
