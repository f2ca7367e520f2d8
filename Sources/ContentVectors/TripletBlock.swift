/// Triplets that are learned together, each anchor among what the others have.
package struct TripletBlock: Sendable {
    /// By triplet.
    private(set) var anchors: [TagMean] = []
    private(set) var positives: [TagMean] = []
    private(set) var negatives: [TagMean] = []
    /// By triplet, of all positives and then all negatives: whether it is like the anchor, and so no wrong answer.
    private var likes: [[Bool]] = []

    /// Triplets of a block, as a rule.
    package static let most = 64

    package init() {}

    package var count: Int { anchors.count }

    package mutating func append(anchor: TagMean, positive: TagMean, negative: TagMean) {
        anchors.append(anchor)
        positives.append(positive)
        negatives.append(negative)
    }

    /// To be called once all are there: before, what others have counts as unlike each anchor.
    ///
    /// - Parameter isLike: whether the triplet's anchor is like what another has for its positive or negative.
    package mutating func compare(_ isLike: (_ triplet: Int, _ other: Int, _ asNegative: Bool) -> Bool) {
        likes = (0..<count).map { triplet in
            (0..<2 * count).map { place in
                let other = place % count
                return other != triplet && isLike(triplet, other, place >= count)
            }
        }
    }

    func isLeftOut(_ place: Int, for triplet: Int) -> Bool {
        !likes.isEmpty && likes[triplet][place]
    }
}
