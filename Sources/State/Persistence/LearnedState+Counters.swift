internal import Blending
internal import Checkpoints
internal import Counting
internal import Dispatch
internal import Factors
internal import Foundation
internal import Histories
internal import Identities
internal import Learners
internal import Locking

// Scalars of a model in the state file: `counter.strengths` (taken, then exposed: f64 each; an earlier version had
// `counter.retakes`, which counted otherwise: it is counted anew), `counter.items.B` for block B of
// 256 items. Blocks hold their rows in order, each in full; a checkpoint writes the blocks that changed. Little-endian
// throughout. What is kept of users stands in their rows; an earlier version had it in `counter.users.B`, for block B of 64
// users.
extension LearnedState {
    /// Of models that have a network, this; of models that count or combine what changed since the last checkpoint, by the marks on rows: call before these are cleared.
    func counterScalars(of number: Int, withBlocks blocks: Bool) -> [String: Scalar] {
        if let blend = models[number].blend { return scalars(of: blend, models[number], withBlocks: blocks) }
        if let network = models[number].network {
            return [
                "\(NetworkState.prefix)weights": .blob(network.weightsBlob),
                "\(NetworkState.prefix)sums": .blob(network.sumsBlob),
            ]
        }
        guard let counter = models[number].counter else { return [:] }
        var scalars: [String: Scalar] = [:]
        if counter.rule.options.kind == .repeat {
            scalars["\(CounterState.prefix)strengths"] = .blob(counter.retakesBlob)
        }
        guard blocks, counter.rule.options.kind == .next else { return scalars }
        for block in changedBlocks(of: models[number], length: CounterState.itemsPerBlock) {
            scalars["\(CounterState.prefix)items.\(block)"] = .blob(counter.itemBlock(block))
        }
        return scalars
    }

    private func scalars(
        of blend: BlendState, _ model: ModelState, withBlocks blocks: Bool
    ) -> [String: Scalar] {
        var scalars: [String: Scalar] = ["\(BlendState.prefix)learned": .blob(blend.learnedBlob)]
        guard blocks else { return scalars }
        for block in changedBlocks(of: model, length: BlendState.itemsPerBlock) {
            scalars["\(BlendState.prefix)items.\(block)"] = .blob(blend.itemBlock(block))
        }
        return scalars
    }

    /// Ascending.
    private func changedBlocks(of model: ModelState, length: Int) -> [Int] {
        var blocks: [Int] = []
        for row in model.items.rows(marked: .unsaved) where blocks.last != Int(row) / length {
            blocks.append(Int(row) / length)
        }
        return blocks
    }

    /// Of a model that counts or combines, the blocks of items that have changed, as they are now. By the marks on rows:
    /// call before these are cleared.
    func frozenBlocks(of number: Int) -> FrozenBlocks? {
        let model = models[number]
        if let blend = model.blend {
            let blocks = changedBlocks(of: model, length: BlendState.itemsPerBlock)
            return blocks.isEmpty
                ? nil : FrozenBlocks(model: number, numbers: blocks, content: .counts(blend.allCounts))
        }
        guard let counter = model.counter, counter.rule.options.kind == .next else { return nil }
        let blocks = changedBlocks(of: model, length: CounterState.itemsPerBlock)
        let sketches = Lock(Array(repeating: [SuccessorSketch](), count: blocks.count))
        // Each is read by one queue, and nobody learns.
        DispatchQueue.concurrentPerform(iterations: min(8, blocks.count)) { part in
            for place in stride(from: part, to: blocks.count, by: min(8, blocks.count)) {
                let copied = counter.sketches(ofBlock: blocks[place])
                sketches.withLock { $0[place] = copied }
            }
        }
        return blocks.isEmpty
            ? nil
            : FrozenBlocks(model: number, numbers: blocks, content: .sketches(sketches.withLock { $0 }))
    }

    /// All of a model's own but rows and what it keeps of users, for a digest.
    func counterBlobs(of number: Int) -> [Data] {
        if let blend = models[number].blend { return blend.blobs }
        if let network = models[number].network { return [network.weightsBlob, network.sumsBlob] }
        guard let counter = models[number].counter else { return [] }
        let blocks = (counter.successors.count + CounterState.itemsPerBlock - 1) / CounterState.itemsPerBlock
        return (counter.rule.options.kind == .repeat ? [counter.retakesBlob] : [])
            + (0..<blocks).map(counter.itemBlock)
    }

    /// Puts back what `counterScalars` gave; once all users and items are there.
    ///
    /// - Returns: names that are malformed.
    func restoreCounters(_ scalars: [String: Data], of number: Int) -> [String] {
        if let blend = models[number].blend {
            return scalars.compactMap { blend.restore($1, name: $0) ? nil : $0 }
        }
        if let network = models[number].network { return network.restore(scalars) }
        guard let counter = models[number].counter else { return [] }
        return scalars.compactMap { name, data in
            let words = name.dropFirst(CounterState.prefix.count).split(separator: ".")
            let block = words.count == 2 ? Int(words[1]) ?? -1 : -1
            let isWhole =
                switch words.first {
                case "strengths": counter.restore(retakes: data)
                case "retakes": forget(name, of: number)
                case "items" where block >= 0: counter.restore(itemBlock: block, data)
                case "users" where block >= 0: restore(userBlock: block, data, of: number, name: name)
                default: false
                }
            return isWhole ? nil : name
        }
    }

    /// Of an earlier version.
    private func forget(_ name: String, of number: Int) -> Bool {
        models[number].counter?.obsolete.append(name)
        return true
    }

    private func restore(userBlock block: Int, _ data: Data, of number: Int, name: String) -> Bool {
        guard block < Int(Int32.max) / CounterState.usersPerBlock else { return false }
        models[number].counter?.obsolete.append(name)
        var reader = ByteReader(data)
        var row = block * CounterState.usersPerBlock
        while !reader.isAtEnd {
            guard row <= Int(Int32.max), let trail = UserTrail(&reader, items: stats.count) else {
                return false
            }
            let shard = shard(of: Int32(row))
            shard.queue.sync {
                let local = shard.local(Int32(row))
                guard local < shard.users.count, shard.users[local].isSomebody else { return }
                shard.trails[number]?[local] = trail
                shard.tables[number].mark(.unsaved, at: local)
            }
            row += 1
        }
        return true
    }
}
