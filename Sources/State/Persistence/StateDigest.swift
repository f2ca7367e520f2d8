internal import Checkpoints
internal import ContentVectors
internal import Counting
internal import Events
package import Factors
internal import Foundation
internal import Histories
internal import Identities
internal import Learners
internal import LiveScores
internal import Locking
internal import Quarantine

/// A digest of everything learned: two states of one digest answer alike and go on alike.
///
/// Not cryptographic: it finds differences, it does not withstand an attacker.
package struct StateDigest {
    private var hash: UInt64 = 0x2545_F491_4F6C_DD1D

    package mutating func combine(_ word: UInt64) {
        hash = KeyedRandom.mix(hash ^ word) &* 0x9E37_79B9_7F4A_7C15 &+ word
    }

    package mutating func combine(_ value: Int) { combine(UInt64(bitPattern: Int64(value))) }

    package mutating func combine(bytes: some Collection<UInt8>) {
        combine(bytes.count)
        // As they lie, where they do: `Data` is slow to go through one by one.
        if bytes.withContiguousStorageIfAvailable({ combine(words: UnsafeRawBufferPointer($0)) }) != nil {
            return
        }
        var (word, filled) = (UInt64(0), 0)
        for byte in bytes {
            word |= UInt64(byte) << UInt64(filled * 8)
            filled += 1
            if filled == 8 {
                combine(word)
                (word, filled) = (0, 0)
            }
        }
        if filled > 0 { combine(word) }
    }

    private mutating func combine(words bytes: UnsafeRawBufferPointer) {
        let whole = bytes.count & ~7
        for place in stride(from: 0, to: whole, by: 8) {
            combine(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
        }
        guard whole < bytes.count else { return }
        combine(
            bytes[whole...].enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64($1.offset * 8) })
    }

    package mutating func combine(_ row: Row) {
        for lane in row.indices {
            let values = row[lane]
            for index in 0..<8 { combine(UInt64(values[index].bitPattern)) }
        }
        combine(UInt64(row.bias.bitPattern))
        combine(UInt64(row.step.bitPattern))
    }

    /// 16 hex digits.
    package var text: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension LearnedState {
    /// Runs on the engine's queue between batches.
    package func digest() -> String {
        var digest = StateDigest()
        for (partition, position) in positions.sorted(by: { $0.key < $1.key }) {
            digest.combine(Int(partition))
            digest.combine(Int(position))
        }
        for field in Counters.fields { digest.combine(Int(counters[keyPath: field.path])) }
        digest.combine(ratings.sum.bitPattern)
        digest.combine(Int(ratings.count))
        digest.combine(ratings.squares.bitPattern)
        digest.combine(bytes: comparison.blob)
        digest.combine(bytes: comparison.defaultModel.json)
        combineRecent(&digest)
        combineUsers(&digest)
        combineItems(&digest)
        // Nothing where nobody was ever described.
        if let content, !content.isEmpty {
            for (_, blob) in content.blobs.sorted(by: { $0.key < $1.key }) { digest.combine(bytes: blob) }
        }
        combinePriors(&digest)
        for (number, model) in models.enumerated() {
            for blob in counterBlobs(of: number) { digest.combine(bytes: blob) }
            digest.combine(bytes: model.options.name.utf8)
            digest.combine(model.updates)
            digest.combine(model.rejected)
            // Nothing of a model that never had trouble.
            if model.health.digest != 0 { digest.combine(model.health.digest) }
            digest.combine(bytes: model.score.blob)
            for (name, scalar) in (model.alternating?.scalars ?? [:]).sorted(by: { $0.key < $1.key }) {
                digest.combine(bytes: name.utf8)
                switch scalar {
                case .blob(let data): digest.combine(bytes: data)
                case .integer(let value): digest.combine(Int(value))
                case .double(let value): digest.combine(value.bitPattern)
                }
            }
        }
        return digest.text
    }

    private func combineRecent(_ digest: inout StateDigest) {
        for (partition, window) in recent.windows.sorted(by: { $0.key < $1.key }) {
            digest.combine(Int(partition))
            digest.combine(window.total)
            for fingerprint in window.inOrder { digest.combine(fingerprint) }
        }
    }

    /// In order of global rows, so that the number of shards does not matter.
    private func combineUsers(_ digest: inout StateDigest) {
        forEachUser { row, whole in
            guard let whole, let id = whole.user.id else { return }
            let user = whole.user
            digest.combine(Int(row))
            digest.combine(bytes: id.string.utf8)
            digest.combine(bytes: user.history.blob)
            let tallies = user.history.tallyBlob
            if !tallies.isEmpty { digest.combine(bytes: tallies) }
            digest.combine(bytes: user.hidden.blob)
            digest.combine(bytes: user.marks.blob)
            if !user.tags.isEmpty {
                for tag in user.tags.list.tags { digest.combine(bytes: tag.utf8) }
                digest.combine(Int(user.tags.list.time ?? .min))
            }
            digest.combine(user.residualSum.bitPattern)
            digest.combine(user.ratings)
            digest.combine(Int(user.nextOrder))
            digest.combine(Int(user.lastEvent))
            for table in whole.tables { digest.combine(table.row(whole.local)) }
            for table in whole.longTerm.compactMap(\.self) { digest.combine(table.row(whole.userNumber)) }
            for trails in whole.trails.compactMap(\.self) { digest.combine(bytes: trails[whole.local].blob) }
        }
    }

    private func combineItems(_ digest: inout StateDigest) {
        let ids = items.read { table in (0..<Int32(table.rowCount)).map { table.id(of: $0) } }
        let entries = catalogue.read { $0.entries }
        for (row, id) in ids.enumerated() {
            digest.combine(bytes: (id?.string ?? "").utf8)
            digest.combine(bytes: (entries[row].title ?? "").utf8)
            for tag in entries[row].tags { digest.combine(bytes: tag.utf8) }
            digest.combine(entries[row].available ? 1 : 0)
            let times = entries[row].times
            for time in [times.title, times.tags, times.available] { digest.combine(Int(time ?? .min)) }
            digest.combine(Int(stats[row].users))
            digest.combine(Int(stats[row].ratings))
            digest.combine(stats[row].ratingSum.bitPattern)
            digest.combine(Int(stats[row].lastEvent ?? .min))
            for model in models {
                digest.combine(model.items.row(row))
                digest.combine(Int(model.positives[row]))
                let counts = model.counts[row]
                digest.combine(counts.popular.bitPattern)
                digest.combine(counts.trend.bitPattern)
                digest.combine(Int(counts.at))
            }
        }
    }
}
