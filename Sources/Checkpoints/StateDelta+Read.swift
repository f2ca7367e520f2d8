internal import Foundation

extension StateDelta {
    /// Tells `reader` what a file of all of this would hold, had it been written and read again, with the checks that
    /// reading makes of rows; without SQLite, and without checksums. To try what lies behind those by the million.
    ///
    /// - Throws: as `StateFile.read`.
    package func read(into reader: some StateReader, identity: StateIdentity) throws(StateError) {
        let path = "a state in memory"
        for (partition, position) in positions.ascending() {
            reader.read(position: position, partition: partition)
        }
        for (name, value) in scalars.ascending() { reader.read(scalar: value, name: name) }
        for model in models.sorted(by: { $0.name < $1.name }) {
            for (name, value) in model.scalars.ascending() {
                reader.read(scalar: value, name: name, model: model.name)
            }
        }
        let owners = (users: users.last(by: \.row, \.id), items: items.last(by: \.row, \.id))
        try reader.expect(
            userRows: Self.rows(owners.users.last?.row, most: Int(StateFile.leastRoom), "users", path),
            itemRows: Self.rows(owners.items.last?.row, most: owners.items.count, "items", path))
        let check = FactorCheck(identity, path: path, withoutVectors: withoutVectors)
        for item in owners.items { try reader.read(item: item) }
        for user in owners.users { try user.read(into: reader) }
        let counts = FactorCounts(
            items: try readItemFactors(into: reader, check), users: try readUserFactors(into: reader, check),
            wantsUsers: check.hasVectors)
        try counts.check(
            owners: RowCounts(items: owners.items.count, users: owners.users.count), path: path)
        try reader.finish()
    }

    private static func rows(_ last: Int32?, most: Int, _ table: String, _ path: String) throws(StateError)
        -> Int
    {
        guard let last else { return 0 }
        guard last >= 0, last < most else {
            throw StateFile.damaged(path, "\(table) has a row \(last)")
        }
        return Int(last) + 1
    }

    private var withoutVectors: Set<String> {
        Set(models.filter { $0.scalars[StoredModel.vectors] == .integer(0) }.map(\.name))
    }

    private func readUserFactors(into reader: some StateReader, _ check: FactorCheck) throws(StateError)
        -> [Int]
    {
        var counts = [Int](repeating: 0, count: check.names.count)
        for table in userFactors {
            try table.read("user_factors", check) { (row, index) throws(StateError) in
                counts[row.model] += 1
                let beside: Data? =
                    if !table.trails.isEmpty { table.trails[index] } else if table.longTerm.isEmpty {
                        nil
                    } else {
                        Data(littleEndian: table.longTerm[table.numbers(of: index)])
                    }
                guard let beside else { return try reader.read(userRow: row) }
                try beside.lend { bytes throws(StateError) in
                    try reader.read(userRow: check.user(row, beside: bytes))
                }
            }
        }
        return counts
    }

    private func readItemFactors(into reader: some StateReader, _ check: FactorCheck) throws(StateError)
        -> Int
    {
        var count = 0
        for table in itemFactors {
            try table.read("item_factors", check) { (row, index) throws(StateError) in
                count += 1
                let popularity = table.popularity[index]
                try check.require(popularity, row: Int64(row.row))
                try reader.read(itemRow: row, popularity: popularity)
            }
        }
        return count
    }
}

extension StoredUser {
    fileprivate func read(into reader: some StateReader) throws(StateError) {
        let parts = [id, history, hidden, marks, tallies, Data(StoredItem.text(of: tags).utf8)]
        var starts = [0]
        for part in parts { starts.append(starts[starts.count - 1] + part.count) }
        try Data(parts.joined()).lend { bytes throws(StateError) in
            func part(_ number: Int) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: bytes[starts[number]..<starts[number + 1]])
            }
            try reader.read(
                user: ReadUser(
                    row: row, id: part(0), history: part(1), residualSum: residualSum, ratings: ratings,
                    nextOrder: nextOrder, lastEvent: lastEvent, hidden: part(2), marks: part(3),
                    tallies: part(4), tags: part(5), tagsAt: tagsAt))
        }
    }
}

extension StoredFactors {
    /// Where the numbers of a row stand in `vectors`.
    fileprivate func numbers(of index: Int) -> Range<Int> { index * factors..<(index + 1) * factors }

    /// Calls `body` with each row that a file would keep, ascending, and its place here.
    fileprivate func read(
        _ name: String, _ check: FactorCheck, _ body: (ReadRow, Int) throws(StateError) -> Void
    ) throws(StateError) {
        let number = try check.number(of: model.utf8, from: 0, name)
        let order = rows.indices.sorted { (rows[$0], $0) < (rows[$1], $1) }
        for (place, index) in order.enumerated() {
            if place + 1 < order.count, rows[order[place + 1]] == rows[index] { continue }
            try Data(littleEndian: vectors[numbers(of: index)]).lend { bytes throws(StateError) in
                try body(
                    check.row(
                        name, model: number, row: Int64(rows[index]), bias: Double(biases[index]),
                        vector: bytes, step: Double(steps[index])), index)
            }
        }
    }
}

extension Array {
    /// In the order of their rows, the last of those that have a row or an id in common: each takes another's place.
    fileprivate func last(by row: (Element) -> Int32, _ id: (Element) -> Data) -> [Element] {
        var (rows, ids): (Set<Int32>, Set<Data>) = ([], [])
        var kept: [Element] = []
        for element in reversed() where !rows.contains(row(element)) && !ids.contains(id(element)) {
            rows.insert(row(element))
            ids.insert(id(element))
            kept.append(element)
        }
        return kept.sorted { row($0) < row($1) }
    }
}

extension Dictionary where Key: Comparable {
    fileprivate func ascending() -> [(key: Key, value: Value)] { sorted { $0.key < $1.key } }
}

extension Data {
    fileprivate init(littleEndian numbers: ArraySlice<Float>) {
        self.init(
            numbers.flatMap { number in Swift.withUnsafeBytes(of: number.bitPattern.littleEndian, Array.init)
            })
    }

    /// `withUnsafeBytes`, which does not say what it throws.
    fileprivate func lend<Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let result = withUnsafeBytes { bytes in
            Result { () throws(Failure) in try body(bytes) }
        }
        try result.get()
    }
}
