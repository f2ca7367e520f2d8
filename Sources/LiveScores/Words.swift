internal import Evaluation
internal import Foundation

/// Words of 8 bytes, little-endian, and texts behind their length in words of their own.
struct WordWriter {
    private(set) var data = Data()

    mutating func write(_ word: UInt64) {
        withUnsafeBytes(of: word.littleEndian) { data.append(contentsOf: $0) }
    }

    mutating func write(_ number: Int) { write(UInt64(bitPattern: Int64(number))) }

    mutating func write(_ sums: PairedDifferences) {
        write(UInt64(bitPattern: sums.count))
        write(sums.sum.bitPattern)
        write(sums.squares.bitPattern)
    }

    mutating func write(_ text: String) {
        write(text.utf8.count)
        data.append(contentsOf: text.utf8)
    }
}

/// Reads what `WordWriter` wrote; `nil` past the end and where something is no number.
struct WordReader {
    private var data: Data.SubSequence

    init(_ data: Data) { self.data = data[...] }

    /// More than any stream has: what is added to it stays a number.
    static let countMax = 1 << 50

    var isAtEnd: Bool { data.isEmpty }

    mutating func readWord() -> UInt64? {
        guard data.count >= 8 else { return nil }
        defer { data = data.dropFirst(8) }
        return data.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func readInt() -> Int? { readWord().map { Int(Int64(bitPattern: $0)) } }

    mutating func readDifferences() -> PairedDifferences? {
        guard let count = readInt(), (0...Self.countMax).contains(count), let sum = readWord(),
            let squares = readWord()
        else {
            return nil
        }
        let sums = PairedDifferences(
            count: Int64(count), sum: Double(bitPattern: sum), squares: Double(bitPattern: squares))
        return sums.sum.isFinite && sums.squares.isFinite ? sums : nil
    }

    mutating func readText() -> String? {
        guard let count = readInt(), count >= 0, count <= data.count else { return nil }
        defer { data = data.dropFirst(count) }
        return String(validating: data.prefix(count), as: UTF8.self)
    }
}
