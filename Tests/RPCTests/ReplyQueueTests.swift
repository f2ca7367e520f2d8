import NIOCore
import RESP
import Testing

@testable import RPC

@Suite("answers on their way out")
struct ReplyQueueTests {
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
