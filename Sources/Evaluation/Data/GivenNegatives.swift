/// Test pairs with the negatives that somebody else has drawn for each: the format of He et al., "Neural
/// Collaborative Filtering", 2017. A line is `(user,item)`, then negatives, parted by tabs.
public struct GivenNegatives: Sendable, Equatable {
    /// One line, in row numbers.
    public struct Entry: Sendable, Equatable {
        public var user: Int32
        public var item: Int32
        public var negatives: [Int32]
    }

    public private(set) var entries: [Entry] = []
    /// Negatives that the data set does not know, and so cannot be candidates.
    public private(set) var unknownNegatives = 0
    /// Lines whose user or item the data set does not know.
    public private(set) var unknownPairs = 0

    /// - Parameters:
    ///   - lines: the file's lines; empty ones are passed over.
    ///   - userRow: the row of a user as the file names it, or `nil`; `itemRow` the same for items.
    /// - Throws: `EvaluationError.malformed` with the number of the line.
    public init(
        lines: some Sequence<String>, userRow: (Substring) -> Int32?, itemRow: (Substring) -> Int32?
    ) throws(EvaluationError) {
        for (index, line) in lines.enumerated() where !line.isEmpty {
            let cells = line.split(separator: "\t", omittingEmptySubsequences: true)
            guard let head = cells.first, let pair = Self.pair(head) else {
                throw .malformed(
                    line: index + 1, "begins with '\(line.prefix(40))'; wanted is (user,item), then negatives"
                )
            }
            guard cells.count > 1 else {
                throw .malformed(line: index + 1, "has no negatives; is it cut off?")
            }
            guard let user = userRow(pair.user), let item = itemRow(pair.item) else {
                unknownPairs += 1
                continue
            }
            let negatives = cells.dropFirst().compactMap(itemRow)
            unknownNegatives += cells.count - 1 - negatives.count
            entries.append(Entry(user: user, item: item, negatives: negatives))
        }
    }

    private static func pair(_ cell: Substring) -> (user: Substring, item: Substring)? {
        guard cell.first == "(", cell.last == ")" else { return nil }
        let parts = cell.dropFirst().dropLast().split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return (parts[0], parts[1])
    }

    public var pairs: Set<GivenPair> { Set(entries.map { GivenPair(user: $0.user, item: $0.item) }) }
}
