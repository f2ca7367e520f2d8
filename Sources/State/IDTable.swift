package import Events
internal import HeapModule
package import Locking

/// Ids and their dense row numbers. A row that is let go is given out again, lowest first, so that the rows are a
/// function of the events alone and the tables do not grow with users who have left.
package struct IDTable {
    private var rows: [EntityID: Int32] = [:]
    private var ids: [EntityID?] = []
    private var free = Heap<Int32>()

    /// Ids in the table.
    package var count: Int { rows.count }
    /// One past the highest row ever given out.
    package var rowCount: Int { ids.count }

    package func row(of id: EntityID) -> Int32? { rows[id] }

    package func id(of row: Int32) -> EntityID? { row < ids.count ? ids[Int(row)] : nil }

    package mutating func intern(_ id: EntityID) -> (row: Int32, isNew: Bool) {
        if let row = rows[id] { return (row, false) }
        let row = free.popMin() ?? Int32(ids.count)
        place(id, at: row)
        return (row, true)
    }

    package mutating func remove(_ id: EntityID) -> Int32? {
        guard let row = rows.removeValue(forKey: id) else { return nil }
        ids[Int(row)] = nil
        free.insert(row)
        return row
    }

    /// Puts back an id read from a state. Rows come in ascending order; those passed over are free.
    package mutating func restore(_ id: EntityID, at row: Int32) {
        while ids.count < row {
            free.insert(Int32(ids.count))
            ids.append(nil)
        }
        place(id, at: row)
    }

    private mutating func place(_ id: EntityID, at row: Int32) {
        if row == ids.count { ids.append(id) } else { ids[Int(row)] = id }
        rows[id] = row
    }
}

extension SharedLock<IDTable> {
    /// Takes the id in, if it is new; keeps readers off only then. For the one queue that changes the table.
    package func intern(_ id: EntityID) -> (row: Int32, isNew: Bool) {
        if let row = read({ $0.row(of: id) }) { return (row, false) }
        return withLock { $0.intern(id) }
    }
}
