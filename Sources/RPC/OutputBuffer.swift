import NIOCore

/// Answers of one connection that its channel has not been given yet, in the order in which they go out.
///
/// In pieces: what a slow client leaves waiting is not copied as it grows, and is let go piece by piece.
struct OutputBuffer {
    /// A piece is full once it holds this many bytes.
    private static let pieceBytes = 64 << 10

    private var pieces: CircularBuffer<ByteBuffer> = []
    private var piecesBytes = 0
    /// The piece that is being written.
    private var last = ByteBuffer()

    var readableBytes: Int { piecesBytes + last.readableBytes }

    mutating func write(_ body: (inout ByteBuffer) -> Void) {
        body(&last)
        guard last.readableBytes >= Self.pieceBytes else { return }
        piecesBytes += last.readableBytes
        pieces.append(last)
        last = ByteBuffer()
    }

    /// Takes the next piece out; `nil` once all are gone.
    mutating func next() -> ByteBuffer? {
        if let piece = pieces.popFirst() {
            piecesBytes -= piece.readableBytes
            return piece
        }
        guard last.readableBytes > 0 else { return nil }
        defer { last = ByteBuffer() }
        return last
    }
}
