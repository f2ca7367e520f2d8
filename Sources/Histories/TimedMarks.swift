package import Foundation

/// When a user took back what was said of an item, or hid or showed it again: by the producer's clock, so that what comes
/// late does not undo what is newer. Only events with a time of their own leave a mark.
@usableFromInline
package struct TimedMarks: Equatable {
    /// What the mark is of.
    package enum Subject: UInt32, Sendable {
        /// A retraction.
        case opinion = 0
        /// `hide` or `unhide`.
        case hiding = 1
    }

    @usableFromInline
    package struct Mark: Equatable {
        package var item: Int32
        package var subject: Subject
        /// Milliseconds since 1970.
        package var time: Int64
    }

    /// Marks of a user; past it the oldest goes.
    package static let countMax = 1_024

    /// Ascending by item, then subject.
    @usableFromInline private(set) var marks: [Mark] = []

    package init() {}

    @inlinable package var isEmpty: Bool { marks.isEmpty }

    /// Bytes on the heap.
    package var bytes: Int { AllocatedBytes.ofArray(marks.capacity * MemoryLayout<Mark>.stride) }

    /// The time of the mark; `nil` where there is none.
    package func time(of subject: Subject, _ item: Int32) -> Int64? {
        let place = place(of: subject, item)
        guard place < marks.count, marks[place].item == item, marks[place].subject == subject else {
            return nil
        }
        return marks[place].time
    }

    /// Sets the mark, or takes it away (`nil`).
    package mutating func set(_ subject: Subject, _ item: Int32, to time: Int64?) {
        let place = place(of: subject, item)
        let isThere = place < marks.count && marks[place].item == item && marks[place].subject == subject
        if isThere { marks.remove(at: place) }
        guard let time else { return }
        marks.insert(Mark(item: item, subject: subject, time: time), at: place)
        guard marks.count > Self.countMax,
            let oldest = marks.indices.min(by: { marks[$0].time < marks[$1].time })
        else { return }
        marks.remove(at: oldest)
    }

    /// The first mark that does not come before this one.
    private func place(of subject: Subject, _ item: Int32) -> Int {
        var (low, high) = (0, marks.count)
        while low < high {
            let middle = (low + high) / 2
            let mark = marks[middle]
            if (mark.item, mark.subject.rawValue) < (item, subject.rawValue) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}

// 16 bytes a mark, little-endian: item i32, subject u32, time i64.
extension TimedMarks {
    private static let markBytes = 16

    package var blob: Data {
        var data = Data(capacity: marks.count * Self.markBytes)
        for mark in marks {
            withUnsafeBytes(of: mark.item.littleEndian) { data.append(contentsOf: $0) }
            withUnsafeBytes(of: mark.subject.rawValue.littleEndian) { data.append(contentsOf: $0) }
            withUnsafeBytes(of: mark.time.littleEndian) { data.append(contentsOf: $0) }
        }
        return data
    }

    /// `nil` if the blob is not whole marks in ascending order.
    package init?(blob: Data) {
        guard blob.count % Self.markBytes == 0 else { return nil }
        for start in stride(from: 0, to: blob.count, by: Self.markBytes) {
            let (item, word, time) = blob.withUnsafeBytes { bytes in
                (
                    Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int32.self)),
                    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt32.self)),
                    Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 8, as: Int64.self))
                )
            }
            guard let subject = Subject(rawValue: word), item >= 0 else { return nil }
            if let last = marks.last, (last.item, last.subject.rawValue) >= (item, word) { return nil }
            marks.append(Mark(item: item, subject: subject, time: time))
        }
    }

    package func all(below count: Int) -> Bool { marks.last.map { Int($0.item) < count } ?? true }
}
