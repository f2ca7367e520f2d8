/// Titles of films and books that nobody made.
struct InventedTitles {
    private static let starts = [
        "Ka", "Lo", "Mira", "Bel", "Tor", "Ysa", "Fen", "Quil", "Ru", "Os", "Ved", "Ala",
    ]
    private static let ends = [
        "ra", "dun", "wick", "mere", "sa", "lith", "mont", "nys", "tal", "vane", "bor", "ine",
    ]
    private static let adjectives = [
        "Last", "Silent", "Crooked", "Burning", "Second", "Hollow", "Patient", "Unlikely", "Winter",
        "Borrowed",
    ]
    private static let nouns = [
        "Lighthouse", "Orchard", "Cartographer", "Tide", "Machine", "Garden", "Letter", "Bridge", "Violin",
        "Comet",
    ]

    private var taken: Set<String> = []

    /// A title not given before.
    mutating func next(_ draws: inout SplitMix64) -> String {
        while true {
            let title = Self.phrase(&draws) + " (\(1930 + draws.index(below: 95)))"
            if taken.insert(title).inserted { return title }
        }
    }

    private static func phrase(_ draws: inout SplitMix64) -> String {
        switch draws.index(below: 5) {
        case 0: "The \(pick(adjectives, &draws)) \(pick(nouns, &draws))"
        case 1: "The \(pick(nouns, &draws)) of \(name(&draws))"
        case 2: "\(name(&draws)) and the \(pick(adjectives, &draws)) \(pick(nouns, &draws))"
        case 3: "A \(pick(nouns, &draws)) in \(name(&draws))"
        default: "\(name(&draws))'s \(pick(nouns, &draws))"
        }
    }

    private static func name(_ draws: inout SplitMix64) -> String {
        pick(starts, &draws) + pick(ends, &draws)
    }

    private static func pick(_ words: [String], _ draws: inout SplitMix64) -> String {
        words[draws.index(below: words.count)]
    }
}
