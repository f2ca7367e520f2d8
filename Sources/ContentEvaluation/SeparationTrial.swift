package import ContentVectors
internal import Factors

/// How well similarities tell the positives of triplets from their negatives.
package struct SeparationTrial: Sendable {
    /// ROC-AUC by three similarities.
    package struct Result: Sendable {
        /// Cosine of the means of the tags' embeddings: before anything is learned.
        package var before: Double
        /// Cosine of the learned vectors.
        package var after: Double
        /// Tags in common, of which positives and negatives are made.
        package var overlap: Double
        package var trained = 0
        package var tested = 0
    }

    private typealias Triplet = TripletChoice.Triplet

    private let corpus: ContentCorpus
    private let book: TagBook
    private let seed: UInt64
    private let epochs: Int

    package init(_ corpus: ContentCorpus, seed: UInt64, epochs: Int = 10) {
        (self.corpus, self.seed, self.epochs) = (corpus, seed, epochs)
        book = corpus.book(seed: seed)
    }

    /// A triplet of every item, where there is one.
    package func triplets() -> [TripletChoice.Triplet] {
        let all = 0..<corpus.items.count
        return triplets(of: all, among: all, draw: 0)
    }

    private func triplets(of anchors: Range<Int>, among rows: Range<Int>, draw: Int) -> [Triplet] {
        var choice = TripletChoice()
        return anchors.compactMap { row in
            var random = KeyedRandom(seed: seed, stream: 1 + UInt64(draw), index: UInt64(row))
            return choice.triplet(
                Int32(row), in: book, random: &random,
                allowed: Int32(rows.lowerBound)..<Int32(rows.upperBound))
        }
    }

    /// Triplets among all items, tested on those whose anchors are the last tenth. These items may stand in other
    /// triplets, which are learned.
    package func amongAll() -> Result {
        let (all, cut) = (0..<corpus.items.count, corpus.items.count - corpus.items.count / 10)
        return separate(
            trainedRows: 0..<cut, allowed: all, test: triplets(of: cut..<all.upperBound, among: all, draw: 0))
    }

    /// The last tenth of the items stands in no triplet that is learned.
    package func amongUnseen() -> Result {
        let cut = corpus.items.count - corpus.items.count / 10
        let last = cut..<corpus.items.count
        return separate(
            trainedRows: 0..<cut, allowed: 0..<cut, test: triplets(of: last, among: last, draw: 0))
    }

    private func separate(trainedRows: Range<Int>, allowed: Range<Int>, test: [Triplet]) -> Result {
        let inputs = corpus.items.indices.map { book.input(of: $0) ?? TagMean(letters: []) }
        var model = TripletModel(seed: seed)
        var trained = 0
        for epoch in 0..<epochs {
            // Drawn anew, as the daemon does.
            var order = triplets(of: trainedRows, among: allowed, draw: 1 + epoch)
            trained += order.count
            var random = KeyedRandom(seed: seed, stream: 0, index: UInt64(epoch))
            for last in stride(from: order.count - 1, to: 0, by: -1) {
                order.swapAt(last, random.next(below: last + 1))
            }
            for start in stride(from: 0, to: order.count, by: TripletBlock.most) {
                let triplets = order[start..<min(order.count, start + TripletBlock.most)]
                var block = TripletBlock()
                for triplet in triplets {
                    block.append(
                        anchor: inputs[Int(triplet.anchor)], positive: inputs[Int(triplet.positive)],
                        negative: inputs[Int(triplet.negative)])
                }
                block.compare { triplet, other, asNegative in
                    let (anchor, other) = (triplets[start + triplet].anchor, triplets[start + other])
                    return book.sharedTags(Int(anchor), Int(asNegative ? other.negative : other.positive)) > 0
                }
                model.learn(block)
            }
        }
        let units = inputs.map { $0.keys.isEmpty ? [] : model.map.unit($0) ?? [] }
        return Result(
            before: Self.rocAUC(test) { Self.cosine(inputs[$0].letters, inputs[$1].letters) },
            after: Self.rocAUC(test) { Self.cosine(units[$0], units[$1]) },
            overlap: Self.rocAUC(test) { Float(book.sharedTags($0, $1)) }, trained: trained,
            tested: test.count)
    }

    private static func rocAUC(_ triplets: [Triplet], _ similarity: (Int, Int) -> Float) -> Double {
        ROCAUC.value(
            positives: triplets.map { similarity(Int($0.anchor), Int($0.positive)) },
            negatives: triplets.map { similarity(Int($0.anchor), Int($0.negative)) })
    }

    static func cosine(_ left: [Float], _ right: [Float]) -> Float {
        func product(_ left: [Float], _ right: [Float]) -> Float {
            zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let scale = (product(left, left) * product(right, right)).squareRoot()
        return scale > 0 ? product(left, right) / scale : 0
    }
}

/// The area under the receiver operating characteristic: how probably a positive scores above a negative, ties halved
/// (Hanley, McNeil 1982).
package enum ROCAUC {
    package static func value(positives: [Float], negatives: [Float]) -> Double {
        let all = (positives.map { ($0, true) } + negatives.map { ($0, false) }).sorted { $0.0 < $1.0 }
        var (rankSum, start) = (0.0, 0)
        while start < all.count {
            var end = start
            while end < all.count, all[end].0 == all[start].0 { end += 1 }
            // Those of equal scores share their ranks.
            let rank = Double(start + end + 1) / 2
            rankSum += rank * Double(all[start..<end].count { $0.1 })
            start = end
        }
        let (count, others) = (Double(positives.count), Double(negatives.count))
        return (rankSum - count * (count + 1) / 2) / (count * others)
    }
}
