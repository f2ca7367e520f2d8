internal import CKernels

/// A checksum of a row: of its table's name, and of its values in the order of their columns, each with its type.
///
/// SQLite itself does not see a flipped bit within a value. A row in which bits of one word of eight bytes have flipped
/// always has another checksum, one that is damaged in another way but for one chance in 2^64.
public struct RowChecksum: Sendable, Equatable {
    /// What tells values of different types apart, beside their length.
    private enum Kind: UInt64 { case null, integer, double, text, blob }

    public private(set) var value: UInt64

    /// Of no values yet.
    public init(table: String) {
        value = 0x4672_7368
        var name = table
        name.withUTF8 { value = checksum_bytes(value, $0.baseAddress, $0.count) }
    }

    private mutating func begin(_ kind: Kind, length: Int = 8) {
        value = checksum_word(value, kind.rawValue << 56 | UInt64(length))
    }

    public mutating func add(_ integer: Int64) {
        begin(.integer)
        value = checksum_word(value, UInt64(bitPattern: integer))
    }

    public mutating func add(_ double: Double) {
        begin(.double)
        value = checksum_word(value, double.bitPattern)
    }

    public mutating func addNull() { begin(.null, length: 0) }

    public mutating func add(text: UnsafeRawBufferPointer) {
        begin(.text, length: text.count)
        value = checksum_bytes(value, text.baseAddress, text.count)
    }

    public mutating func add(blob: UnsafeRawBufferPointer) {
        begin(.blob, length: blob.count)
        value = checksum_bytes(value, blob.baseAddress, blob.count)
    }

    /// As a column of SQLite's has it.
    public var stored: Int64 { Int64(bitPattern: value) }
}
