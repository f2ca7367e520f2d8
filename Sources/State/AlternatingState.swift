package import Checkpoints
package import Factors
internal import Foundation
internal import Identities
package import Learners
internal import Locking

/// What a model by alternating least squares keeps beside its rows: the sums over each side, who took what, and which
/// rows wait to be solved.
///
/// Written by the engine's queue alone, and only while no shard learns or solves; in between, shards and solvers read
/// it. That is what `@unchecked Sendable` stands on.
package final class AlternatingState: @unchecked Sendable {
    /// QᵀQ over the items.
    package var itemGramian: Gramian
    /// PᵀP over the users' long-term rows.
    package var userGramian: Gramian
    package let takers = TakerLists()
    /// Users whose history has changed since their long-term row was solved.
    package var pendingUsers: Set<Int32> = []
    /// Items whose takers have changed since they were solved, and in how many events.
    package var pendingItems: [Int32: Int32] = [:]
    /// Where the sweep that solves all rows in turn stands.
    package var userCursor: Int32 = 0
    package var itemCursor: Int32 = 0
    /// Rows that the sweep may still solve in idle time: earned by events, so that a quiet daemon comes to rest.
    package var idleRows = 0
    /// One for each solver of items.
    package let workspaces: [ALSWorkspace]
    private var restored: Set<String> = []

    package init(factors: Int, solvers: Int) {
        itemGramian = Gramian(factors: factors)
        userGramian = Gramian(factors: factors)
        workspaces = (0..<solvers).map { _ in ALSWorkspace(factors: factors) }
    }

    /// Takes over how much a user likes an item; below 0 disliked, 0 nothing any more.
    package func record(_ taking: Taking) {
        takers.record(Taker(user: taking.user, weight: taking.weight), of: Int(taking.item))
        pendingUsers.insert(taking.user)
        pendingItems[taking.item, default: 0] += 1
    }

    package var bytes: Int {
        takers.bytes + pendingUsers.capacity * MemoryLayout<Int32>.stride
            + pendingItems.capacity * 2 * MemoryLayout<Int32>.stride
            + 3 * itemGramian.factors * itemGramian.factors * MemoryLayout<Double>.stride
    }
}

// Pending rows: i32, little-endian, ascending; of items each with its count.
extension AlternatingState {
    package var scalars: [String: Scalar] {
        [
            "als.items": .blob(itemGramian.blob), "als.users": .blob(userGramian.blob),
            "als.pending-users": .blob(Self.blob(pendingUsers.sorted())),
            "als.pending-items": .blob(
                Self.blob(pendingItems.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] })),
            "als.user-cursor": .integer(Int64(userCursor)), "als.item-cursor": .integer(Int64(itemCursor)),
        ]
    }

    package func restore(_ scalar: Scalar, name: String) {
        switch (name, scalar) {
        case ("als.items", .blob(let blob)):
            guard let gramian = Gramian(blob: blob, factors: itemGramian.factors) else { return }
            itemGramian = gramian
        case ("als.users", .blob(let blob)):
            guard let gramian = Gramian(blob: blob, factors: userGramian.factors) else { return }
            userGramian = gramian
        case ("als.pending-users", .blob(let blob)): pendingUsers = Set(Self.rows(blob))
        case ("als.pending-items", .blob(let blob)):
            let rows = Self.rows(blob)
            for index in stride(from: 0, to: rows.count - 1, by: 2) {
                pendingItems[rows[index]] = rows[index + 1]
            }
        case ("als.user-cursor", .integer(let row)): userCursor = Int32(clamping: max(0, row))
        case ("als.item-cursor", .integer(let row)): itemCursor = Int32(clamping: max(0, row))
        default: return
        }
        restored.insert(name)
    }

    /// Whether both sums were read back; a state that was learned in another way has none.
    package var hasGramians: Bool { restored.isSuperset(of: ["als.items", "als.users"]) }

    private static func blob(_ rows: [Int32]) -> Data {
        var data = Data(capacity: rows.count * 4)
        for row in rows { withUnsafeBytes(of: row.littleEndian) { data.append(contentsOf: $0) } }
        return data
    }

    private static func rows(_ blob: Data) -> [Int32] {
        blob.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count - 3, by: 4).map {
                Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Int32.self))
            }
        }
    }
}

extension LearnedState {
    /// Sums both Gramians of an alternating model over all rows: the running sums gather rounding errors. On the engine's
    /// queue, between rounds.
    package func sumGramiansAnew(of number: Int) {
        let model = models[number]
        guard let alternating = model.alternating else { return }
        alternating.itemGramian = Gramian(of: model.items)
        var users = Gramian(factors: model.items.factors)
        for shard in shards {
            if let table = shard.longTerm[number] { users.add(all: table) }
        }
        alternating.userGramian = users
    }

    /// After all rows were read back.
    func settleAlternation(of number: Int) {
        let model = models[number]
        guard let alternating = model.alternating else { return }
        if !alternating.hasGramians { sumGramiansAnew(of: number) }
        let rowCount = Int32(users.read { $0.rowCount })
        alternating.pendingUsers = alternating.pendingUsers.filter { (0..<rowCount).contains($0) }
        alternating.pendingItems = alternating.pendingItems.filter {
            (0..<Int32(model.items.count)).contains($0.key)
        }
    }
}
