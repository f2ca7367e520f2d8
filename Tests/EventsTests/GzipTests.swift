import Events
import Foundation
import Testing

@Suite("Reading gzip")
struct GzipTests {
    /// `ratings.csv` with one rating, packed by `gzip -9n`.
    private static let packed = [UInt8](
        Data(
            base64Encoded:
                "H4sIAAAAAAACAystTi3yTNHJzS/LTAXSRYklmXnpOiWZuanFJYm5BVyGOqYGOiZ6pjqWZiaWFkbmBsZcAEBXjKIzAAAA"
        ) ?? Data())

    @Test("gzip is unpacked, whatever the file is called")
    func unpacked() throws {
        let expected = [EventFile.Entry.event(try rating("1", "50", 4.5, 964_982_703_000))]
        #expect(try read("ratings.csv.gz", Self.packed) == expected)
        #expect(try read("ratings.csv", Self.packed) == expected)
    }

    @Test("members one after the other are one file")
    func members() throws {
        let entries = try read("ratings.csv.gz", Self.packed + Self.packed)
        #expect(entries.count == 3)
        #expect(badLineNumbers(entries) == [3])  // the second header
    }

    @Test("a truncated or damaged file says so")
    func damaged() throws {
        let truncated = #expect(throws: EventFileError.self) {
            try read("ratings.csv.gz", Array(Self.packed.dropLast(6)))
        }
        #expect(truncated?.message.contains("ends in the middle of its gzip data") == true)
        var bytes = Self.packed
        bytes[bytes.count - 6] ^= 0xFF
        let damaged = #expect(throws: EventFileError.self) { try read("ratings.csv.gz", bytes) }
        #expect(damaged?.message.contains("damaged gzip data") == true)
    }
}
