package import Foundation
package import Learners

// Little-endian throughout; rows in order, each in full.
extension CounterState {
    package static let prefix = "counter."
    package static let itemsPerBlock = 256
    package static let usersPerBlock = 64

    package func itemBlock(_ block: Int) -> Data { Self.blob(of: sketches(ofBlock: block)) }

    /// A block's sketches as they are now: what they own is shared until it changes, so that this costs little.
    package func sketches(ofBlock block: Int) -> [SuccessorSketch] {
        let rows = block * Self.itemsPerBlock..<min(successors.count, (block + 1) * Self.itemsPerBlock)
        return rows.map { successors[$0] }
    }

    package static func blob(of sketches: [SuccessorSketch]) -> Data {
        var data = ByteWriter()
        data.reserve(sketches.reduce(0) { $0 + 24 + 16 * $1.count })
        for sketch in sketches {
            data.append(Int32(sketch.count))
            data.append(sketch.sum.bitPattern)
            data.append(sketch.nearSum.bitPattern)
            data.append(sketch.unit.bitPattern)
            data.append(sketch.at)
            for entry in sketch.entries {
                data.append(entry.item)
                data.append(entry.count.bitPattern)
                data.append(entry.error.bitPattern)
                data.append(entry.near.bitPattern)
            }
        }
        return data.data
    }

    /// False for what is no such block.
    package func restore(itemBlock block: Int, _ data: Data) -> Bool {
        guard block <= successors.count / Self.itemsPerBlock else { return false }
        var reader = ByteReader(data)
        var row = block * Self.itemsPerBlock
        while !reader.isAtEnd {
            guard row < successors.count, let count = reader.read(Int32.self), count >= 0, count <= 1 << 16,
                let sum = reader.read(UInt32.self), let nearSum = reader.read(UInt32.self),
                let unit = reader.read(UInt32.self), let at = reader.read(Int64.self)
            else { return false }
            var entries: [SuccessorSketch.Entry] = []
            for _ in 0..<count {
                guard let item = reader.read(Int32.self), item >= 0, Int(item) < successors.count,
                    let weight = reader.read(UInt32.self), let error = reader.read(UInt32.self),
                    let near = reader.read(UInt32.self)
                else { return false }
                entries.append(
                    SuccessorSketch.Entry(
                        item: item, count: Float(bitPattern: weight), error: Float(bitPattern: error),
                        near: Float(bitPattern: near)))
            }
            successors[row] = SuccessorSketch(
                entries: entries, sum: Float(bitPattern: sum), nearSum: Float(bitPattern: nearSum), at: at,
                unit: Float(bitPattern: unit))
            row += 1
        }
        return true
    }

    package var retakesBlob: Data {
        var data = ByteWriter()
        for value in retakes.taken + retakes.exposed { data.append(value.bitPattern) }
        return data.data
    }

    package func restore(retakes data: Data) -> Bool {
        var reader = ByteReader(data)
        var values: [Double] = []
        while let bits = reader.read(UInt64.self) { values.append(Double(bitPattern: bits)) }
        guard values.count == 2 * RetakeTable.cells, values.allSatisfy(\.isFinite),
            let table = RetakeTable(
                taken: Array(values[..<RetakeTable.cells]), exposed: Array(values[RetakeTable.cells...]))
        else { return false }
        retakes = table
        return true
    }
}

extension UserTrail {
    package var blob: Data {
        var data = ByteWriter()
        data.reserve(12 + 4 * recent.count + 45 * own.count)
        write(to: &data)
        return data.data
    }

    package func write(to data: inout ByteWriter) {
        data.append(events)
        data.append(Int32(recent.count))
        for item in recent { data.append(item) }
        data.append(Int32(own.count) | Self.withWaits)
        for own in own {
            data.append(own.item)
            data.append(own.weight.bitPattern)
            data.append(own.count)
            data.append(own.firstEvent)
            data.append(own.lastEvent)
            data.append(own.first)
            data.append(own.last)
            data.append(own.ordinal)
            data.append(own.wait)
        }
    }

    /// Beside the count of items: their expected waits are there, which an earlier version did not have.
    private static let withWaits: Int32 = 1 << 16

    /// What the number before a trail's entries says: how many there are, and how many bytes each has.
    package static func entries(_ number: Int32) -> (count: Int32, bytes: Int) {
        (number & ~withWaits, number & withWaits != 0 ? 45 : 44)
    }

    /// That number, of so many entries of the same form.
    package static func number(ofEntries count: Int32, like number: Int32) -> Int32 {
        count | number & withWaits
    }

    /// `nil` where the bytes are none, or name items that there are not.
    package init?(_ reader: inout ByteReader, items: Int) {
        func isItem(_ item: Int32) -> Bool { item >= 0 && Int(item) < items }
        guard let events = reader.read(Int32.self), Self.isCount(events),
            let last = reader.read(Int32.self), (0..<1 << 15).contains(last)
        else { return nil }
        self.init()
        expect(recent: Int(last), own: 0)
        self.events = events
        for _ in 0..<last {
            guard let item = reader.read(Int32.self), isItem(item) else { return nil }
            follow(item, limit: Int(last))
        }
        guard let number = reader.read(Int32.self) else { return nil }
        let (hasWaits, count) = (number & Self.withWaits != 0, number & ~Self.withWaits)
        guard (0..<1 << 15).contains(count) else { return nil }
        expect(recent: Int(last), own: Int(count))
        var before = Int32(-1)
        for _ in 0..<count {
            guard let item = reader.read(Int32.self), isItem(item), before < item,
                let weight = reader.read(UInt32.self), let times = reader.read(Int32.self),
                let firstEvent = reader.read(Int32.self), let lastEvent = reader.read(Int32.self),
                let first = reader.read(Int64.self), let last = reader.read(Int64.self),
                let ordinal = reader.read(Int64.self),
                let wait = hasWaits ? reader.read(UInt8.self) : 0
            else { return nil }
            let own = Own(
                item: item, weight: Float(bitPattern: weight), count: times, first: first, last: last,
                firstEvent: firstEvent, lastEvent: lastEvent, ordinal: ordinal, wait: wait)
            guard own.isSound else { return nil }
            insert(own)
            before = item
        }
    }
}

extension UserTrail {
    /// What is counted on from there stays a number.
    fileprivate static func isCount(_ value: Int32) -> Bool { (0...1 << 30).contains(value) }
}

extension UserTrail.Own {
    fileprivate var isSound: Bool {
        [count, firstEvent, lastEvent].allSatisfy(UserTrail.isCount) && abs(weight) < 0x1p53
            && [first, last].allSatisfy { $0 == Self.noTime || Self.isMoment($0) } && Self.isMoment(ordinal)
    }

    /// An ordinal or milliseconds: what another is taken from stays a number.
    private static func isMoment(_ value: Int64) -> Bool { value.magnitude <= 1 << 56 }
}
