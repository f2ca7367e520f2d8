// FeatureMaps: what features say of rows.
//
// Here live the sparse matrix of who has which feature, the regression of rows of numbers on features, and the rating
// model that is made of both. Feature numbers and rows come in and go out. What never comes in: tags as texts,
// users, items and events as the other rooms know them, files. It is pure computation, the solutions of priors on a thread of
// their own.

/// Which rows have which features: a sparse matrix of ones, row by row.
package struct FeatureMatrix: Sendable, Equatable {
    /// Features there are.
    package let columns: Int
    /// Where each row begins among `features`; one more than there are rows.
    package private(set) var starts: [Int] = [0]
    /// Feature numbers, of each row ascending and none twice.
    package private(set) var features: [Int32] = []

    package init(columns: Int) { self.columns = columns }

    package var rows: Int { starts.count - 1 }

    package mutating func reserve(rows: Int, features count: Int) {
        starts.reserveCapacity(rows + 1)
        features.reserveCapacity(count)
    }

    /// Adds the next row; `list` in any order, repeats count once.
    package mutating func append(_ list: some Sequence<Int32>) {
        let sorted = list.sorted()
        var last: Int32 = -1
        for feature in sorted where feature != last {
            precondition(feature >= 0 && feature < columns, "feature \(feature) of \(columns)")
            features.append(feature)
            last = feature
        }
        starts.append(features.count)
    }

    /// The same of a list that is ascending already, without repeats.
    package mutating func append(ascending list: Span<Int32>) {
        var last: Int32 = -1
        for place in list.indices {
            let feature = list[place]
            precondition(
                feature > last && feature < columns, "feature \(feature) of \(columns) behind \(last)")
            last = feature
            features.append(feature)
        }
        starts.append(features.count)
    }

    package subscript(row: Int) -> ArraySlice<Int32> { features[range(of: row)] }

    /// Where the row stands among `features`.
    func range(of row: Int) -> Range<Int> { starts[row]..<starts[row + 1] }
}

extension FeatureMatrix {
    /// Of lists of names, a list a row: the features are the names that at least `rowsMin` of the rows in `counted` have, in
    /// the order of their bytes.
    package init(
        of lists: [[String]], rowsMin: Int, counted: (Int) -> Bool = { _ in true }
    ) {
        var counts: [String: Int] = [:]
        for (row, list) in lists.enumerated() where counted(row) {
            for name in Set(list) { counts[name, default: 0] += 1 }
        }
        let names = counts.filter { $0.value >= rowsMin }.keys.sorted {
            $0.utf8.lexicographicallyPrecedes($1.utf8)
        }
        let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) })
        self.init(columns: names.count)
        reserve(rows: lists.count, features: lists.reduce(0) { $0 + $1.count })
        for list in lists { append(list.lazy.compactMap { numbers[$0] }) }
    }
}
