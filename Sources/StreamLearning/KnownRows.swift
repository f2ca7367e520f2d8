internal import Events
internal import Identities
internal import Locking
package import State

/// Rows of a batch's ids, looked up all together before it is applied: what is not known by then is interned as it comes.
package struct KnownRows {
    /// By event; -1 of what was not known. Empty where nothing is known any more.
    private var users: [Int32] = []
    private var items: [Int32] = []

    init() {}

    package init(of batch: IngestBatch, in state: LearnedState) {
        let entries = batch.events.entries
        batch.events.ids.withUnsafeBytes { ids in
            users = state.users.read { table in
                table.rows(count: entries.count, in: ids) { entries[$0].user.range }
            }
            items = state.items.read { table in
                table.rows(count: entries.count, in: ids) { entries[$0].item.range }
            }
        }
    }

    /// Of known users, one an event.
    var allUsers: some Sequence<Int32> { users.lazy.filter { $0 >= 0 } }

    func user(_ event: Int) -> Int32? { Self.row(users, event) }
    func item(_ event: Int) -> Int32? { Self.row(items, event) }

    /// A user has gone: the rest is looked up as it comes.
    mutating func forgetUsers() { users = [] }

    private static func row(_ rows: [Int32], _ event: Int) -> Int32? {
        guard event < rows.count, rows[event] >= 0 else { return nil }
        return rows[event]
    }
}

/// An event of a batch with the bytes of its ids, for as long as the batch is being applied. Unsafe because those are
/// the batch's, who outlives it: `BatchApplication.apply` makes it within `withUnsafeBytes` and hands it to nobody.
struct EventInBatch {
    let event: DecodedEvents.Entry
    let index: Int
    let ids: UnsafeRawBufferPointer

    /// UTF-8; empty of a description.
    var user: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: ids[event.user.range]) }
    /// UTF-8; empty of an erasure.
    var item: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: ids[event.item.range]) }
}

extension EntityID {
    /// Of bytes that were decoded as an id, and so are 1 to 256 of UTF-8; `nil` of others.
    init?(bytes: UnsafeRawBufferPointer) {
        guard let id = try? EntityID(String(decoding: bytes, as: UTF8.self)) else { return nil }
        self = id
    }
}
