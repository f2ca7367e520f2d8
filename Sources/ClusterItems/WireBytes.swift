internal import CZlib

/// Numbers as bytes: little-endian, whole numbers in as many as they need (LEB128, signs folded in).
package struct WireWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func write(_ value: UInt8) { bytes.append(value) }

    package mutating func write(fixed value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func write(_ value: Float) { write(fixed: value.bitPattern) }

    package mutating func write(_ value: Double) { write(fixed: value.bitPattern) }

    package mutating func write(_ value: Int64) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    package mutating func write(_ value: Int) { write(Int64(value)) }

    package mutating func write(_ text: String) {
        let text = Array(text.utf8)
        write(text.count)
        bytes += text
    }

    package mutating func write(_ data: some Collection<UInt8>) {
        write(data.count)
        bytes.append(contentsOf: data)
    }

    package mutating func write(_ codes: [Int8]) {
        bytes.append(contentsOf: codes.lazy.map { UInt8(bitPattern: $0) })
    }

    /// Puts the checksum of all behind it.
    package mutating func seal() { write(fixed: WireReader.checksum(bytes[...])) }
}

/// What is wrong with bytes that somebody sent.
package struct WireError: Error, Equatable, CustomStringConvertible {
    package var description: String

    package init(description: String) { self.description = description }
}

/// Takes numbers out again. Nothing in the bytes is trusted: all that is read is checked to be there.
package struct WireReader {
    private var rest: ArraySlice<UInt8>

    /// - Throws: where the checksum does not match.
    package init(sealed bytes: [UInt8]) throws(WireError) {
        guard bytes.count >= 4 else { throw WireError(description: "\(bytes.count) bytes are no message") }
        rest = bytes.suffix(4)
        let sum = try fixed(UInt32.self)
        rest = bytes.dropLast(4)
        guard Self.checksum(rest) == sum else { throw WireError(description: "the checksum does not match") }
    }

    package var isAtEnd: Bool { rest.isEmpty }
    package var count: Int { rest.count }

    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        // Zlib reads `count` bytes from where the buffer starts, and keeps none.
        bytes.withUnsafeBufferPointer {
            UInt32(truncatingIfNeeded: crc32(0, $0.baseAddress, UInt32($0.count)))
        }
    }

    private mutating func take(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest.count else { throw WireError(description: "it ends too early") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    package mutating func byte() throws(WireError) -> UInt8 {
        guard let byte = rest.popFirst() else { throw WireError(description: "it ends too early") }
        return byte
    }

    package mutating func fixed<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type)
        throws(WireError)
        -> Value
    {
        let bytes = try take(MemoryLayout<Value>.size)
        return bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(as: type)) }
    }

    /// Finite.
    package mutating func float() throws(WireError) -> Float {
        let value = Float(bitPattern: try fixed(UInt32.self))
        guard value.isFinite else { throw WireError(description: "a number is not finite") }
        return value
    }

    /// Finite.
    package mutating func double() throws(WireError) -> Double {
        let value = Double(bitPattern: try fixed(UInt64.self))
        guard value.isFinite else { throw WireError(description: "a number is not finite") }
        return value
    }

    package mutating func whole() throws(WireError) -> Int64 {
        var (value, shift) = (UInt64(0), UInt64(0))
        while true {
            let byte = try byte()
            guard shift < 64 else { throw WireError(description: "a number is too long") }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { break }
            shift += 7
        }
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    package mutating func whole32() throws(WireError) -> Int32 {
        guard let value = Int32(exactly: try whole()) else {
            throw WireError(description: "a number is too large")
        }
        return value
    }

    /// How many follow, each of so many bytes at least: no more than there can be.
    package mutating func count(ofAtLeast bytes: Int) throws(WireError) -> Int {
        guard let value = Int(exactly: try whole()), value >= 0, value <= rest.count / max(1, bytes) else {
            throw WireError(description: "it says that more follows than does")
        }
        return value
    }

    package mutating func text() throws(WireError) -> String {
        let bytes = try take(try count(ofAtLeast: 1))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw WireError(description: "a text is no UTF-8")
        }
        return text
    }

    /// What was written with its length.
    package mutating func data() throws(WireError) -> [UInt8] { Array(try take(try count(ofAtLeast: 1))) }

    /// So many of one type, one behind the other.
    package mutating func fixed<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, count: Int
    ) throws(WireError) -> [Value] {
        let stride = MemoryLayout<Value>.size
        return try take(count * stride).withUnsafeBytes { bytes in
            (0..<count).map {
                Value(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * stride, as: type))
            }
        }
    }

    /// Finite, all of them.
    package mutating func floats(_ count: Int) throws(WireError) -> [Float] {
        let values = try fixed(UInt32.self, count: count).map { Float(bitPattern: $0) }
        guard values.allSatisfy(\.isFinite) else {
            throw WireError(description: "a number is not finite")
        }
        return values
    }

    package mutating func codes(_ count: Int) throws(WireError) -> [Int8] {
        try take(count).map { Int8(bitPattern: $0) }
    }
}
