/// A piece of an image of items: what one machine knows of all of them, as a file, for those who begin with it. Its bytes
/// begin with `FXP`, its version, and end with a CRC-32.
package struct ItemImagePiece: Equatable, Sendable {
    /// Names the image.
    package var image: UInt64
    /// From 0.
    package var number: Int
    package var bytes: [UInt8]

    private static let magic: UInt32 = 0x0150_5846

    package init(image: UInt64, number: Int, bytes: [UInt8]) {
        (self.image, self.number, self.bytes) = (image, number, bytes)
    }

    /// Whether bytes that somebody told are a piece's; nothing else is looked at.
    package static func isOne(_ bytes: [UInt8]) -> Bool {
        bytes.count >= 4 && bytes[0] == 0x46 && bytes[1] == 0x58 && bytes[2] == 0x50
    }

    package var encoded: [UInt8] {
        var writer = WireWriter()
        writer.write(fixed: Self.magic)
        writer.write(fixed: image)
        writer.write(number)
        writer.write(bytes)
        writer.seal()
        return writer.bytes
    }

    /// - Throws: where the bytes are damaged, or of a version that is not known.
    package init(_ encoded: [UInt8]) throws(WireError) {
        var reader = try WireReader(sealed: encoded)
        guard try reader.fixed(UInt32.self) == Self.magic else {
            throw WireError(description: "it is no piece of an image, or one of another version")
        }
        image = try reader.fixed(UInt64.self)
        let number = try reader.whole()
        guard let small = Int(exactly: number), small >= 0 else {
            throw WireError(description: "a piece has no number")
        }
        self.number = small
        bytes = Array(try reader.data())
        guard reader.isAtEnd else { throw WireError(description: "more follows than it says") }
    }
}
