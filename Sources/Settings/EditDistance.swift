/// Levenshtein's distance, to guess what a mistyped name was meant to be.
enum EditDistance {
    /// So many edits in a name are mistakes of whoever typed it; more make another name of it.
    private static let mistakesMax = 3

    /// The candidate that takes the fewest edits, the first in alphabetical order of several; `nil` where even that one takes
    /// more than a mistyped name of this length does.
    static func nearest(to name: String, among candidates: some Collection<String>) -> String? {
        let most = min(mistakesMax, max(1, name.utf8.count / 3))
        return candidates.sorted()
            .map { (candidate: $0, distance: distance(name, $0)) }
            .filter { $0.distance <= most }
            .min { $0.distance < $1.distance }?.candidate
    }

    static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (i, a) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let substituted = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, diagonal + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}
