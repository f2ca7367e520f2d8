import Events
import Testing

@testable import Identities

@Suite("ids and their rows")
struct IDTableTests {
    /// What the table has to be, as the standard library has it.
    private struct Reference {
        var rows: [EntityID: Int32] = [:]
        var ids: [EntityID?] = []

        mutating func intern(_ id: EntityID) -> (Int32, Bool) {
            if let row = rows[id] { return (row, false) }
            let row = ids.firstIndex { $0 == nil } ?? ids.count
            if row == ids.count { ids.append(id) } else { ids[row] = id }
            rows[id] = Int32(row)
            return (Int32(row), true)
        }

        mutating func remove(_ id: EntityID) -> Int32? {
            guard let row = rows.removeValue(forKey: id) else { return nil }
            ids[Int(row)] = nil
            while case .some(nil) = ids.last { ids.removeLast() }
            return row
        }
    }

    @Test("after the last row was let go there are as many rows as in a table that is read back")
    func lastRowLetGo() throws {
        var (table, restored) = (IDTable(), IDTable())
        for number in 0..<5 { _ = table.intern(try EntityID("u\(number)")) }
        for number in [1, 3, 4] { _ = table.remove(try EntityID("u\(number)")) }
        for number: Int32 in [0, 2] { restored.restore(try EntityID("u\(number)"), at: number) }
        #expect(table.rowCount == 3 && restored.rowCount == 3)
        for number in 5..<8 {
            let id = try EntityID("u\(number)")
            #expect(table.intern(id).row == restored.intern(id).row)
        }
    }

    private func anyID(_ random: inout SystemLikeRandom) -> EntityID? {
        let number = random.next() % 400
        // Of all lengths that are hashed in ways of their own, and ids that begin or end alike.
        let text = String(repeating: "x", count: Int(number % 21)) + "\(number)"
        return try? EntityID(text)
    }

    @Test(
        "takes in, finds, lets go and gives rows out again as a dictionary beside an array", arguments: 0..<8)
    func reference(seed: UInt64) throws {
        var (table, reference, random) = (IDTable(), Reference(), SystemLikeRandom(seed: seed))
        for step in 0..<6_000 {
            let id = try #require(anyID(&random))
            // Grows at first, shrinks at last.
            if random.next() % 6_000 > step {
                let (row, isNew) = table.intern(id)
                let wanted = reference.intern(id)
                #expect(row == wanted.0 && isNew == wanted.1)
            } else {
                let row = table.remove(id)
                let wanted = reference.remove(id)
                #expect(row == wanted)
            }
        }
        #expect(table.count == reference.rows.count)
        #expect(table.rowCount == reference.ids.count)
        for (row, id) in reference.ids.enumerated() { #expect(table.id(of: Int32(row)) == id) }
        for number in 0..<400 {
            let id = try EntityID(String(repeating: "x", count: number % 21) + "\(number)")
            #expect(table.row(of: id) == reference.rows[id])
        }
    }

    @Test("looks up many at once as one by one")
    func manyAtOnce() throws {
        var table = IDTable()
        for number in 0..<1_000 where number % 3 != 0 { _ = table.intern(try EntityID("u\(number)")) }
        var (bytes, ranges): ([UInt8], [Range<Int>]) = ([], [])
        for number in 0..<1_001 {
            let text = number == 500 ? "" : "u\(number)"
            ranges.append(bytes.count..<bytes.count + text.utf8.count)
            bytes += text.utf8
        }
        let rows = bytes.withUnsafeBytes { ids in table.rows(count: ranges.count, in: ids) { ranges[$0] } }
        for number in 0..<1_001 {
            let alone = number == 500 ? nil : table.row(of: try EntityID("u\(number)"))
            #expect(rows[number] == alone ?? -1)
        }
    }

    @Test("ids are equal by their bytes alone")
    func bytes() throws {
        var table = IDTable()
        let rows = try ["é", "e\u{301}", "E"].map { table.intern(try EntityID($0)).row }
        #expect(rows == [0, 1, 2])
    }

    @Test("takes at most 48 bytes an id of ten bytes, and does not grow with those that have gone")
    func memory() throws {
        var table = IDTable()
        for number in 100_000..<300_000 { _ = table.intern(try EntityID("user\(number)")) }
        #expect(table.bytes <= 48 * 200_000)
        let full = table.bytes
        for number in 300_000..<700_000 {
            _ = table.remove(try EntityID("user\(number - 200_000)"))
            _ = table.intern(try EntityID("user\(number)"))
        }
        #expect(table.count == 200_000 && table.rowCount == 200_000)
        #expect(table.bytes < 2 * full)
        #expect(table.id(of: 199_999)?.string == "user699999")
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
private struct SystemLikeRandom {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) >> 33)
    }
}
