internal import Foundation
package import Learners

/// The network of a model that has one, and what it is to learn at the end of the block of events.
///
/// Blocks are cut by the ordinals of events. Where there is one shard alone, its queue adds to `sums` and takes the step as
/// the first event of the next block comes. Of several, each adds to its own (`ShardNetwork`) and only reads the network;
/// the engine's queue adds these up between rounds, in the order of the shards, and takes the step when a block has
/// ended. So nobody reads what somebody writes: that is what `@unchecked Sendable` stands on.
package final class NetworkState: @unchecked Sendable {
    package let rule: NeuralRating
    package let network: RatingNetwork
    /// Of the block so far.
    package let sums: NetworkSums
    /// The number of that block.
    package private(set) var block: Int64 = 0
    /// Counts the steps, refused ones too: what look-ups know by that they have to work out all items anew.
    package private(set) var version = 0

    package init(_ rule: NeuralRating, factors: Int, seed: UInt64) {
        self.rule = rule
        let (hidden, second) = (rule.options.hidden, rule.options.secondHidden)
        network = RatingNetwork(hidden: hidden, second: second, factors: factors, seed: seed)
        sums = NetworkSums(hidden: hidden, second: second, factors: factors)
    }

    /// The block that an event is of.
    package func block(of ordinal: Int64) -> Int64 { ordinal / Int64(rule.options.blockEvents) }

    /// Takes the step that ends the block that was begun, and begins another.
    package func begin(_ block: Int64) -> UpdateResult {
        self.block = block
        guard sums.count > 0 else { return .applied }
        version += 1
        return network.step(sums, rule.options.network, rule.updateGuard)
    }

    package var bytes: Int { network.bytes + sums.bytes }
}

/// What a shard's queue learns a network with.
package final class ShardNetwork: Sendable {
    package let room: NetworkRoom
    /// Of the shard alone; `nil` where there is but one shard, which adds to the model's own.
    package let sums: NetworkSums?

    init(_ options: NeuralRating.Options, factors: Int, shards: Int) {
        let (hidden, second) = (options.hidden, options.secondHidden)
        room = NetworkRoom(hidden: hidden, second: second, factors: factors)
        sums = shards > 1 ? NetworkSums(hidden: hidden, second: second, factors: factors) : nil
    }

    var bytes: Int { sums?.bytes ?? 0 }
}

// Scalars of a model in the state file: `network.weights` (units, those of a second layer in the upper half of the word; factors, steps; weights, first and second moments) and
// `network.sums` (block, events; sums). Little-endian throughout: words of 64 bits, then floats.
extension NetworkState {
    package static let prefix = "network."

    /// Units of the first layer, and of the second one 32 bits further up.
    private var shape: Int { network.hidden | network.second << 32 }

    var weightsBlob: Data {
        Self.blob([shape, network.factors, network.steps].map(Int64.init), network.numbers)
    }

    var sumsBlob: Data { Self.blob([block, Int64(sums.count)], [sums.numbers]) }

    private static func blob(_ words: [Int64], _ lists: [[Float]]) -> Data {
        var data = Data()
        for word in words { withUnsafeBytes(of: word.littleEndian) { data.append(contentsOf: $0) } }
        // Every machine that this runs on has them so.
        for list in lists { list.withUnsafeBytes { data.append(contentsOf: $0) } }
        return data
    }

    private static func words(_ data: Data, _ count: Int) -> [Int64]? {
        guard data.count >= 8 * count else { return nil }
        return data.withUnsafeBytes { bytes in
            (0..<count).map {
                Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self))
            }
        }
    }

    private static func floats(_ data: Data, after words: Int, lists: Int) -> [[Float]]? {
        let bytes = data.count - 8 * words
        guard bytes > 0, bytes % (4 * lists) == 0 else { return nil }
        let each = bytes / (4 * lists)
        return data.withUnsafeBytes { buffer in
            (0..<lists).map { list in
                (0..<each).map {
                    buffer.loadUnaligned(fromByteOffset: 8 * words + 4 * (list * each + $0), as: Float.self)
                }
            }
        }
    }

    /// Puts back the scalars of the file; `nil` for none that is malformed, else its name. A network of another shape is
    /// passed over: it starts anew.
    func restore(_ scalars: [String: Data]) -> [String] {
        scalars.sorted { $0.key < $1.key }.compactMap { name, data in
            let isWhole =
                switch name.dropFirst(Self.prefix.count) {
                case "weights": restore(weights: data)
                case "sums": restore(sums: data)
                default: false
                }
            return isWhole ? nil : name
        }
    }

    private func restore(weights data: Data) -> Bool {
        guard let words = Self.words(data, 3), let numbers = Self.floats(data, after: 3, lists: 3) else {
            return false
        }
        guard StoredCount.isOne(Int64(words[2])) else { return false }
        guard words[0] == shape, words[1] == network.factors else { return true }
        return network.restore(numbers, steps: Int(words[2]))
    }

    private func restore(sums data: Data) -> Bool {
        guard let words = Self.words(data, 2), let numbers = Self.floats(data, after: 2, lists: 1) else {
            return false
        }
        guard StoredCount.isOne(Int64(words[1])) else { return false }
        block = words[0]
        guard numbers[0].count == sums.numbers.count else { return true }
        return sums.restore(numbers[0], count: Int(words[1]))
    }
}
