package import Foundation

/// Puts numbers one after the other, little-endian.
package struct ByteWriter {
    package private(set) var data = Data()

    package init() {}

    package mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
    }
}

/// Takes them again.
package struct ByteReader {
    private let bytes: [UInt8]
    private var offset = 0

    package init(_ data: Data) { bytes = Array(data) }

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
