internal import Checkpoints
internal import Dispatch
internal import Factors
internal import Foundation
internal import Histories
internal import Identities
internal import Learners
internal import Locking

// Scalars of a model in the state file: `counter.retakes` (taken, then exposed: f64 each), `counter.items.B` for block B of
// 256 items, `counter.users.B` for block B of 64 users. Blocks hold their rows in order, each in full; a checkpoint writes
// the blocks that changed. Little-endian throughout.
extension CounterState {
    static let prefix = "counter."
    static let itemsPerBlock = 256
    static let usersPerBlock = 64

    func itemBlock(_ block: Int) -> Data {
        var data = ByteWriter()
        for row in block * Self.itemsPerBlock..<min(successors.count, (block + 1) * Self.itemsPerBlock) {
            let sketch = successors[row]
            data.append(Int32(sketch.entries.count))
            data.append(sketch.total.bitPattern)
            data.append(sketch.at)
            for entry in sketch.entries {
                data.append(entry.item)
                data.append(entry.count.bitPattern)
                data.append(entry.error.bitPattern)
            }
        }
        return data.data
    }

    /// False for what is no such block.
    func restore(itemBlock block: Int, _ data: Data) -> Bool {
        var reader = ByteReader(data)
        var row = block * Self.itemsPerBlock
        while !reader.isAtEnd {
            guard row < successors.count, let count = reader.read(Int32.self), count >= 0, count <= 1 << 16,
                let total = reader.read(UInt32.self), let at = reader.read(Int64.self)
            else { return false }
            var entries: [SuccessorSketch.Entry] = []
            for _ in 0..<count {
                guard let item = reader.read(Int32.self), item >= 0, Int(item) < successors.count,
                    let weight = reader.read(UInt32.self), let error = reader.read(UInt32.self)
                else { return false }
                entries.append(
                    SuccessorSketch.Entry(
                        item: item, count: Float(bitPattern: weight), error: Float(bitPattern: error)))
            }
            successors[row] = SuccessorSketch(entries: entries, total: Float(bitPattern: total), at: at)
            row += 1
        }
        return true
    }

    var retakesBlob: Data {
        var data = ByteWriter()
        for value in retakes.taken + retakes.exposed { data.append(value.bitPattern) }
        return data.data
    }

    func restore(retakes data: Data) -> Bool {
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
    var blob: Data {
        var data = ByteWriter()
        write(to: &data)
        return data.data
    }

    func write(to data: inout ByteWriter) {
        data.append(events)
        data.append(Int32(recent.count))
        for item in recent { data.append(item) }
        data.append(Int32(own.count))
        for own in own {
            data.append(own.item)
            data.append(own.weight.bitPattern)
            data.append(own.count)
            data.append(own.firstEvent)
            data.append(own.lastEvent)
            data.append(own.first)
            data.append(own.last)
            data.append(own.ordinal)
        }
    }

    /// `nil` where the bytes are none, or name items that there are not.
    init?(_ reader: inout ByteReader, items: Int) {
        func isItem(_ item: Int32) -> Bool { item >= 0 && Int(item) < items }
        guard let events = reader.read(Int32.self), let last = reader.read(Int32.self),
            (0...1 << 16).contains(last)
        else { return nil }
        self.events = events
        for _ in 0..<last {
            guard let item = reader.read(Int32.self), isItem(item) else { return nil }
            recent.append(item)
        }
        guard let count = reader.read(Int32.self), (0...1 << 20).contains(count) else { return nil }
        for _ in 0..<count {
            guard let item = reader.read(Int32.self), isItem(item), own.last.map({ $0.item < item }) ?? true,
                let weight = reader.read(UInt32.self), let times = reader.read(Int32.self),
                let firstEvent = reader.read(Int32.self), let lastEvent = reader.read(Int32.self),
                let first = reader.read(Int64.self), let last = reader.read(Int64.self),
                let ordinal = reader.read(Int64.self)
            else { return nil }
            own.append(
                Own(
                    item: item, weight: Float(bitPattern: weight), count: times, first: first, last: last,
                    firstEvent: firstEvent, lastEvent: lastEvent, ordinal: ordinal))
        }
    }
}

extension LearnedState {
    /// Of counting models what changed since the last checkpoint, by the marks on rows: call before these are cleared.
    func counterScalars(of number: Int) -> [String: Scalar] {
        guard let counter = models[number].counter else { return [:] }
        var scalars: [String: Scalar] = [:]
        if counter.rule.options.kind == .repeat {
            scalars["\(CounterState.prefix)retakes"] = .blob(counter.retakesBlob)
        }
        if counter.rule.options.kind == .next {
            let rows = models[number].items.rows(marked: .unsaved)
            for block in Set(rows.map { Int($0) / CounterState.itemsPerBlock }) {
                scalars["\(CounterState.prefix)items.\(block)"] = .blob(counter.itemBlock(block))
            }
        }
        guard counter.rule.isPersonal else { return scalars }
        var blocks = Set(forgotten.map { $0 / Int32(CounterState.usersPerBlock) })
        for shard in shards {
            shard.queue.sync {
                for local in shard.tables[number].rows(marked: .unsaved) {
                    blocks.insert(shard.row(Int(local)) / Int32(CounterState.usersPerBlock))
                }
            }
        }
        for block in blocks {
            scalars["\(CounterState.prefix)users.\(block)"] = .blob(userBlock(Int(block), of: number))
        }
        return scalars
    }

    func userBlock(_ block: Int, of number: Int) -> Data {
        var data = ByteWriter()
        let rows = users.read { $0.rowCount }
        for row in block * CounterState.usersPerBlock..<min(rows, (block + 1) * CounterState.usersPerBlock) {
            let shard = shard(of: Int32(row))
            shard.queue.sync {
                let local = shard.local(Int32(row))
                let trail = local < shard.users.count ? shard.trails[number]?[local] : nil
                (trail ?? UserTrail()).write(to: &data)
            }
        }
        return data.data
    }

    /// All of a counting model's own but what it keeps of users, for a digest.
    func counterBlobs(of number: Int) -> [Data] {
        guard let counter = models[number].counter else { return [] }
        let blocks = (counter.successors.count + CounterState.itemsPerBlock - 1) / CounterState.itemsPerBlock
        return (counter.rule.options.kind == .repeat ? [counter.retakesBlob] : [])
            + (0..<blocks).map(counter.itemBlock)
    }

    /// Puts back what `counterScalars` gave; once all users and items are there.
    ///
    /// - Returns: names that are malformed.
    func restoreCounters(_ scalars: [String: Data], of number: Int) -> [String] {
        guard let counter = models[number].counter else { return [] }
        return scalars.compactMap { name, data in
            let words = name.dropFirst(CounterState.prefix.count).split(separator: ".")
            let block = words.count == 2 ? Int(words[1]) ?? -1 : -1
            let isWhole =
                switch words.first {
                case "retakes": counter.restore(retakes: data)
                case "items" where block >= 0: counter.restore(itemBlock: block, data)
                case "users" where block >= 0: restore(userBlock: block, data, of: number)
                default: false
                }
            return isWhole ? nil : name
        }
    }

    private func restore(userBlock block: Int, _ data: Data, of number: Int) -> Bool {
        var reader = ByteReader(data)
        var row = block * CounterState.usersPerBlock
        while !reader.isAtEnd {
            guard let trail = UserTrail(&reader, items: stats.count) else { return false }
            let shard = shard(of: Int32(row))
            shard.queue.sync {
                let local = shard.local(Int32(row))
                if local < shard.users.count { shard.trails[number]?[local] = trail }
            }
            row += 1
        }
        return true
    }
}
