internal import HeapModule

/// An item row and its score.
public struct Candidate: Sendable, Equatable, Comparable {
    public let row: Int32
    public let score: Float

    public init(row: Int32, score: Float) {
        self.row = row
        self.score = score
    }

    /// Worse first; of equal scores the lower row is better, so that an answer is always the same.
    public static func < (left: Candidate, right: Candidate) -> Bool {
        left.score != right.score ? left.score < right.score : left.row > right.row
    }
}

/// Keeps the best `limit` of the candidates offered.
struct TopItems {
    private let limit: Int
    private var heap = Heap<Candidate>()

    init(limit: Int) { self.limit = limit }

    var isFull: Bool { heap.count >= limit }

    /// A score below this cannot enter; nor can an equal one whose row is higher than those offered before.
    private(set) var threshold = -Float.infinity

    mutating func offer(_ candidate: Candidate) {
        if heap.count < limit {
            heap.insert(candidate)
        } else if let worst = heap.min, worst < candidate {
            heap.replaceMin(with: candidate)
        } else {
            return
        }
        if heap.count == limit, let worst = heap.min { threshold = worst.score }
    }

    func bestFirst() -> [Candidate] { heap.unordered.sorted(by: >) }
}
