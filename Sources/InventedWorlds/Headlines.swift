/// Headlines and brands that nobody wrote.
enum Headlines {
    private static let subjects = [
        "Mayor", "Storm", "Striker", "Court", "Museum", "Bank", "Minister", "Harbour", "Orchestra",
        "Laboratory",
        "Goalkeeper", "Railway", "University", "Festival", "Union", "Bakery",
    ]
    private static let verbs = [
        "surprises", "divides", "delays", "welcomes", "saves", "blames", "moves", "closes", "honours",
        "expects",
        "misses", "finds",
    ]
    private static let objects = [
        "the council", "commuters", "record crowd", "new bridge", "old rival", "the coast", "its founder",
        "thousands", "northern towns", "the budget", "lost archive", "the champions", "a neighbour",
        "the season", "critics", "the night train",
    ]
    private static let syllables = ["Al", "Bo", "Cor", "Da", "Fen", "Gri", "Ha", "Lum", "Mar", "No"]

    static func next(_ draws: inout SplitMix64) -> String {
        let subject = subjects[draws.index(below: subjects.count)]
        let verb = verbs[draws.index(below: verbs.count)]
        return "\(subject) \(verb) \(objects[draws.index(below: objects.count)])"
    }

    /// The same name for the same number, from 0.
    static func brand(_ number: Int) -> String {
        syllables[number % syllables.count] + ["ova", "ex", "ine"][number / syllables.count % 3]
    }
}
