package import Foundation

/// Puts numbers one after the other, little-endian.
package struct ByteWriter {
    private var bytes: [UInt8] = []

    package init() {}

    package var data: Data { Data(bytes) }

    package mutating func reserve(_ count: Int) { bytes.reserveCapacity(bytes.count + count) }

    @inline(__always)
    package mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

/// Takes them again.
package struct ByteReader {
    private let bytes: [UInt8]
    private var offset = 0

    package init(_ data: some Collection<UInt8>) { bytes = Array(data) }

    package var isAtEnd: Bool { offset >= bytes.count }

    /// `nil` past the end.
    package mutating func read<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) -> Value? {
        let size = MemoryLayout<Value>.size
        guard offset + size <= bytes.count else { return nil }
        defer { offset += size }
        return bytes.withUnsafeBytes {
            Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: type))
        }
    }
}
