import NIOCore
import Testing

@testable import RESP

@Suite("Where answers end")
struct FrameTests {
    static let values: [RESPValue] = [
        .simple("OK"), .error("ERR no"), .integer(-7), .bulk(Array("a\r\nb".utf8)), .bulk([]), .null,
        .array([]), .array([.array([.integer(1)]), .bulk([0x0A]), .null]), .set([.boolean(true)]),
        .verbatim("two\nlines"), .map([(.text("k"), .array([.double(1.5)]))]),
    ]

    private func frames(_ version: RESPVersion) -> [ByteBuffer] {
        Self.values.map {
            var buffer = ByteBuffer()
            RESPEncoder(version: version).encode($0, into: &buffer)
            return buffer
        }
    }

    @Test("answers are found wherever the bytes are cut", arguments: [RESPVersion.two, .three])
    func cutAnywhere(version: RESPVersion) throws {
        let frames = frames(version)
        let all = frames.flatMap { Array($0.readableBytesView) }
        for cut in 0...all.count {
            var (scanner, input, found) = (RESPFrameScanner(), ByteBuffer(), [ByteBuffer]())
            for piece in [all[..<cut], all[cut...]] {
                input.writeBytes(piece)
                while let frame = try scanner.next(from: &input) { found.append(frame) }
            }
            #expect(found == frames)
            #expect(input.readableBytes == 0)
        }
    }

    @Test("elements of an array stand by themselves; another answer has none")
    func elements() throws {
        let frames = frames(.three)
        var array = ByteBuffer(string: "*\(frames.count)\r\n")
        for frame in frames { array.writeImmutableBuffer(frame) }
        #expect(try RESPFrameScanner.elements(of: array) == frames)
        #expect(try RESPFrameScanner.elements(of: ByteBuffer(string: "-ERR no\r\n")) == nil)
        #expect(try RESPFrameScanner.elements(of: ByteBuffer(string: "*-1\r\n")) == nil)
        #expect(throws: RESPProtocolError.self) {
            try RESPFrameScanner.elements(of: ByteBuffer(string: "*2\r\n:1\r\n"))
        }
    }

    @Test("what is no answer is refused", arguments: ["x\r\n", "$a\r\n", "$-2\r\n", "*99999999999\r\n"])
    func refused(text: String) {
        var (scanner, input) = (RESPFrameScanner(), ByteBuffer(string: text))
        #expect(throws: RESPProtocolError.self) { try scanner.next(from: &input) }
    }

    @Test("a command reads as it was sent")
    func requests() throws {
        let request = RESPRequest(["RECOMMEND", "u 1\r\n", ""])
        var (decoder, input) = (RESPDecoder(limits: RequestLimits()), ByteBuffer())
        request.encode(into: &input)
        #expect(try decoder.next(from: &input) == request)
    }
}
