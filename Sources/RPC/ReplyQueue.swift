import NIOCore

/// Answers of one connection, kept in the order of its commands.
///
/// A command takes a place as it starts; its answer may come at any time, and goes out once all places before it are
/// filled. An answer that has to wait is kept encoded, so that the bytes held are known.
struct ReplyQueue {
    /// A command's place; never used twice in a connection.
    struct Place: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    private var replies: CircularBuffer<ByteBuffer?> = []
    /// Number of the first of `replies`.
    private var firstNumber: UInt64 = 0
    /// Bytes of answers that wait for an earlier one.
    private(set) var heldBytes = 0

    /// Commands begun whose answer has not gone out.
    var count: Int { replies.count }
    var isEmpty: Bool { replies.isEmpty }

    mutating func take() -> Place {
        replies.append(nil)
        return Place(number: firstNumber + UInt64(replies.count - 1))
    }

    /// Puts an answer in its place, and moves whatever can go out now to the end of `output`.
    ///
    /// - Parameter encode: writes the answer, or nothing where the client wants none.
    mutating func fill(
        _ place: Place, movingTo output: inout OutputBuffer, encode: (inout ByteBuffer) -> Void
    ) {
        precondition(place.number >= firstNumber, "a command is answered once")
        guard place.number == firstNumber else {
            var reply = ByteBuffer()
            encode(&reply)
            heldBytes += reply.readableBytes
            replies[replies.index(replies.startIndex, offsetBy: Int(place.number - firstNumber))] = reply
            return
        }
        output.write(encode)
        removeFirst()
        while var reply = replies.first ?? nil {
            heldBytes -= reply.readableBytes
            output.write { $0.writeBuffer(&reply) }
            removeFirst()
        }
    }

    private mutating func removeFirst() {
        replies.removeFirst()
        firstNumber += 1
    }
}
