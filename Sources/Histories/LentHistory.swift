/// A history as it stands, for the length of one event: read without counting references, of which a learner would count a
/// dozen an event.
///
/// Unsafe by nature: it is valid while its history is neither changed nor let go. Who learns an event has the user to
/// itself (`UserShard.change`), asks this while it scores and learns, and changes the history only afterwards.
@usableFromInline
package struct LentHistory {
    @usableFromInline let filter: SeenFilter
    @usableFromInline let storage: Unmanaged<HistoryStorage>?
    @usableFromInline package let count: Int

    @inlinable
    @inline(__always)
    package init(_ history: borrowing History) {
        filter = history.filter
        storage = history.storage.map { Unmanaged.passUnretained($0) }
        count = Int(history.liveCount)
    }

    @inlinable package var isEmpty: Bool { count == 0 }

    /// Nearly always without a search where the answer is no.
    @inlinable
    @inline(__always)
    package func contains(_ item: Int32) -> Bool { filter.mayHold(item) && search(item) }

    /// A call, so that a loop that draws has the filter alone in its registers.
    @usableFromInline
    func search(_ item: Int32) -> Bool { withColumns { $0.holds(item) } ?? false }

    package subscript(item: Int32) -> HistoryEntry? {
        guard filter.mayHold(item) else { return nil }
        return withColumns { $0.entry(of: item) } ?? nil
    }

    /// As `History.opinion` has it.
    package func opinion(from item: Int32) -> History.Opinion? {
        withColumns { $0.opinion(from: item) } ?? nil
    }

    @inline(__always)
    private func withColumns<Result>(_ body: (HistoryColumns) -> Result) -> Result? {
        storage?._withUnsafeGuaranteedRef { storage in
            storage.withUnsafeMutablePointers { body(HistoryColumns($0, $1)) }
        }
    }
}

extension History {
    /// Valid until the history is changed or let go.
    @inlinable
    @inline(__always)
    package var lent: LentHistory { LentHistory(self) }
}
