package import Blending
internal import Foundation

/// What a blend has learned: how often items are taken, the weights of its parts, and whose order is served.
///
/// `counts` is guarded by leases as the items' rows are. The rest is written by the engine's queue between rounds, or, where
/// there is one shard alone, on its queue while it learns; and only read during the rounds of several. That is what
/// `@unchecked Sendable` stands on.
package final class BlendState: @unchecked Sendable {
    package let rule: BlendRule
    package let counts = ItemColumn<FadingLogs>()
    package private(set) var weights: BlendWeights
    package private(set) var standings: BlendStandings
    /// The weights that learning starts with.
    package let first: [Float]
    private let ofParts: [[Float]]
    /// What was learned and other machines have not been told; `nil` where there are none to tell. Written as the weights are.
    package var unshared: [BlendStep]?

    package init(_ rule: BlendRule) {
        self.rule = rule
        weights = BlendWeights(first: rule.shape.firstWeights)
        standings = BlendStandings(parts: rule.shape.parts.count)
        first = rule.shape.firstWeights.map { Float($0) }
        ofParts = rule.shape.parts.indices.map { rule.shape.weights(of: $0) }
    }

    package func grow(to count: Int) { counts.grow(to: count, with: .untaken) }

    package var bytes: Int {
        counts.bytes + (weights.count + 3 * standings.hits.count) * 8
    }

    /// The weights of whoever leads.
    package func served(in context: BlendContext) -> [Float] {
        let leader = standings.leader
        return switch leader {
        case BlendStandings.learned: weights.weights(in: context)
        case BlendStandings.first: first
        default: ofParts[leader - BlendStandings.part(0)]
        }
    }

    /// A copy of what `served(in:)` goes by, for look-ups.
    package var served: ServedWeights {
        ServedWeights(leader: standings.leader, weights: weights, first: first, ofParts: ofParts)
    }

    /// What was learned from an event.
    package func take(_ step: BlendStep) {
        guard step.isFinite else { return }
        unshared?.append(step)
        learn(step)
    }

    /// What was learned from an event, elsewhere.
    package func merge(_ step: BlendStep) {
        if step.isFinite { learn(step) }
    }

    private func learn(_ step: BlendStep) {
        standings.take(step.hits)
        weights.take(step)
    }
}

/// The weights of whoever leads.
package struct ServedWeights: Sendable {
    package let leader: Int
    private let weights: BlendWeights
    private let first: [Float]
    private let ofParts: [[Float]]

    fileprivate init(leader: Int, weights: BlendWeights, first: [Float], ofParts: [[Float]]) {
        (self.leader, self.weights, self.first, self.ofParts) = (leader, weights, first, ofParts)
    }

    package func callAsFunction(in context: BlendContext) -> [Float] {
        switch leader {
        case BlendStandings.learned: weights.weights(in: context)
        case BlendStandings.first: first
        default: ofParts[leader - BlendStandings.part(0)]
        }
    }
}

// Scalars of a model in the state file: `blend.learned` (names of parts, weights, standings), `blend.items.B` for block B of
// 256 items. A checkpoint writes the blocks that changed. Little-endian throughout.
extension BlendState {
    package static let prefix = "blend."
    static let itemsPerBlock = 256

    /// Names of the parts and how many numbers each gives, so that a blend of others starts anew.
    private var fingerprint: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for part in rule.shape.parts {
            for byte in Array(part.name.utf8) + [0, part.source.rawValue, UInt8(part.source.features)] {
                hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
            }
        }
        return hash
    }

    var learnedBlob: Data {
        var numbers = BlendNumbers()
        numbers.append(fingerprint)
        weights.write(to: &numbers)
        standings.write(to: &numbers)
        return numbers.data
    }

    /// False for what is malformed. What a blend of other parts has learned is passed over.
    func restore(learned data: Data) -> Bool {
        var numbers = BlendNumbers(data)
        guard let fingerprint = numbers.next() else { return false }
        guard fingerprint == self.fingerprint else { return true }
        guard let weights = BlendWeights(&numbers, features: rule.shape.features),
            let standings = BlendStandings(&numbers, parts: rule.shape.parts.count)
        else { return false }
        (self.weights, self.standings) = (weights, standings)
        return true
    }

    /// As they are now.
    var allCounts: [FadingLogs] { counts.withValues { Array($0) } }

    func itemBlock(_ block: Int) -> Data { Self.blob(of: allCounts, block: block) }

    static func blob(of counts: [FadingLogs], block: Int) -> Data {
        var numbers = BlendNumbers()
        for row in block * itemsPerBlock..<min(counts.count, (block + 1) * itemsPerBlock) {
            let item = counts[row]
            for pair in [(item.logs[0], item.logs[1]), (item.logs[2], item.logs[3])] {
                numbers.append(UInt64(pair.0.bitPattern) | UInt64(pair.1.bitPattern) << 32)
            }
            numbers.append(UInt64(bitPattern: item.ordinal))
            numbers.append(UInt64(bitPattern: item.time))
        }
        return numbers.data
    }

    func restore(itemBlock block: Int, _ data: Data) -> Bool {
        guard block <= counts.count / Self.itemsPerBlock else { return false }
        var numbers = BlendNumbers(data)
        var row = block * Self.itemsPerBlock
        while let first = numbers.next() {
            guard row < counts.count, let second = numbers.next(), let ordinal = numbers.next(),
                let time = numbers.next()
            else { return false }
            let logs = [first, first >> 32, second, second >> 32].map {
                Float(bitPattern: UInt32(truncatingIfNeeded: $0))
            }
            guard logs.allSatisfy({ !$0.isNaN && $0 < .infinity }) else { return false }
            counts[row] = FadingLogs(
                logs: SIMD4(logs), ordinal: Int64(bitPattern: ordinal), time: Int64(bitPattern: time))
            row += 1
        }
        return true
    }

    /// Puts back a scalar of the file; false for what is malformed.
    func restore(_ data: Data, name: String) -> Bool {
        let words = name.dropFirst(Self.prefix.count).split(separator: ".")
        let block = words.count == 2 ? Int(words[1]) ?? -1 : -1
        return switch words.first {
        case "learned": restore(learned: data)
        case "items" where block >= 0: restore(itemBlock: block, data)
        default: false
        }
    }

    /// Everything, for a digest.
    var blobs: [Data] {
        let blocks = (counts.count + Self.itemsPerBlock - 1) / Self.itemsPerBlock
        return [learnedBlob] + (0..<blocks).map(itemBlock)
    }
}
