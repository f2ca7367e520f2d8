internal import Factors
internal import Foundation

/// A block projected by a map: its loss, and which way that falls. All inputs at once, as matrices: rows are the anchors, then
/// the positives, then the negatives.
struct TripletPass {
    private typealias Lane = TripletModel.Lane

    /// Below this a length says nothing of a direction.
    private static let lengthMin: Float = 1e-6
    private static let inputs = TextEmbedding.dimensions
    private static let width = TripletModel.width

    /// Mean over the triplets.
    private(set) var loss: Float = 0
    private let count: Int
    private let keys: [[UInt64]]
    /// x: 3 count × inputs.
    private let letters: [Float]
    /// z = y / ‖y‖, and then ∂loss/∂y: 3 count × width.
    private var images: [Float]
    /// ‖y‖ by row; 0 of one that has no direction.
    private var lengths: [Float]
    private let algebra = LinearAlgebra()

    init(_ block: TripletBlock, _ map: ContentMap) {
        let all = block.anchors + block.positives + block.negatives
        count = block.count
        keys = all.map(\.keys)
        letters = all.flatMap(\.letters)
        images = Array(repeating: 0, count: all.count * Self.width)
        lengths = Array(repeating: 0, count: all.count)
        guard count > 0 else { return }
        project(map)
        let pulls = tell(block)
        turn(pulls)
    }

    /// y = W x + b and the tags' own, of length 1.
    private mutating func project(_ map: ContentMap) {
        let (inputs, width, rows) = (Self.inputs, Self.width, lengths.count)
        letters.withUnsafeBufferPointer { letters in
            map.weights.withUnsafeBytes { weights in
                images.withUnsafeMutableBufferPointer { images in
                    // Lanes are eight float32 each, and nothing else.
                    let weights = weights.bindMemory(to: Float.self)
                    algebra.multiply(
                        MatrixView(letters, rows: rows, columns: inputs),
                        MatrixView(weights, rows: inputs, columns: width), into: images)
                }
            }
        }
        for row in 0..<rows {
            var image = map.bias
            map.own.addMean(of: keys[row], to: &image)
            var squares: Float = 0
            for place in 0..<width {
                images[row * width + place] += image[place >> 3][place & 7]
                squares += images[row * width + place] * images[row * width + place]
            }
            let length = squares.squareRoot()
            // Not so for NaN either.
            let isDirected = length >= Self.lengthMin
            lengths[row] = isDirected ? length : 0
            for place in 0..<width {
                images[row * width + place] = isDirected ? images[row * width + place] / length : 0
            }
        }
    }

    /// How much each anchor is to leave each of the others, count × 2 count, below 0 where it is to come nearer; and the
    /// loss.
    private mutating func tell(_ block: TripletBlock) -> [Float] {
        let (width, others) = (Self.width, 2 * count)
        var scores = [Float](repeating: 0, count: count * others)
        images.withUnsafeBufferPointer { images in
            scores.withUnsafeMutableBufferPointer { scores in
                algebra.multiply(
                    MatrixView(images, rows: count, columns: width),
                    MatrixView(
                        UnsafeBufferPointer(rebasing: images[(count * width)...]), rows: others,
                        columns: width),
                    rightTurned: true, into: scores)
            }
        }
        let share = 1 / Float(count)
        for triplet in 0..<count {
            let row = triplet * others..<(triplet + 1) * others
            guard lengths[triplet] > 0, lengths[count + triplet] > 0 else {
                for index in row { scores[index] = 0 }
                continue
            }
            loss +=
                share
                * softmax(&scores, row, answer: triplet) { place in
                    lengths[count + place] > 0 && !block.isLeftOut(place, for: triplet)
                }
            for index in row { scores[index] *= share / TripletModel.temperature }
        }
        return scores
    }

    /// Cosines become what the loss falls by with each, times τ.
    ///
    /// - Returns: the loss.
    private func softmax(
        _ scores: inout [Float], _ row: Range<Int>, answer: Int, isTold: (_ place: Int) -> Bool
    ) -> Float {
        let own = scores[row.lowerBound + answer] / TripletModel.temperature
        var (greatest, sum) = (-Float.infinity, Float(0))
        for (place, index) in row.enumerated() {
            scores[index] = isTold(place) ? scores[index] / TripletModel.temperature : -.infinity
            greatest = max(greatest, scores[index])
        }
        for index in row {
            scores[index] = exp(scores[index] - greatest)
            sum += scores[index]
        }
        for index in row { scores[index] /= sum }
        scores[row.lowerBound + answer] -= 1
        return log(sum) + greatest - own
    }

    /// From the gradient of cosines to that of z, and on to that of y: ∂/∂y = (g − z (z·g)) / ‖y‖.
    private mutating func turn(_ pulls: [Float]) {
        let (width, others) = (Self.width, 2 * count)
        var gradient = [Float](repeating: 0, count: images.count)
        pulls.withUnsafeBufferPointer { pulls in
            images.withUnsafeBufferPointer { images in
                gradient.withUnsafeMutableBufferPointer { gradient in
                    let pulls = MatrixView(pulls, rows: count, columns: others)
                    let anchors = MatrixView(images, rows: count, columns: width)
                    let candidates = MatrixView(
                        UnsafeBufferPointer(rebasing: images[(count * width)...]), rows: others,
                        columns: width)
                    algebra.multiply(pulls, candidates, into: gradient)
                    algebra.multiply(
                        pulls, leftTurned: true, anchors,
                        into: UnsafeMutableBufferPointer(rebasing: gradient[(count * width)...]))
                }
            }
        }
        for row in lengths.indices {
            let places = row * width..<(row + 1) * width
            let part = places.reduce(Float(0)) { $0 + images[$1] * gradient[$1] }
            for place in places {
                images[place] = lengths[row] > 0 ? (gradient[place] - images[place] * part) / lengths[row] : 0
            }
        }
    }

    /// Of W and b, the mean over the triplets, as `ContentMap` lays them out.
    func gradient() -> [TripletModel.Lane] {
        let (inputs, width, rows) = (Self.inputs, Self.width, lengths.count)
        var gradient = [Lane](repeating: .zero, count: (inputs + 1) * TripletModel.lanes)
        guard count > 0 else { return gradient }
        gradient.withUnsafeMutableBytes { gradient in
            let gradient = gradient.bindMemory(to: Float.self)
            letters.withUnsafeBufferPointer { letters in
                images.withUnsafeBufferPointer { images in
                    algebra.multiply(
                        MatrixView(letters, rows: rows, columns: inputs), leftTurned: true,
                        MatrixView(images, rows: rows, columns: width), into: gradient)
                    for row in 0..<rows {
                        for place in 0..<width {
                            gradient[inputs * width + place] += images[row * width + place]
                        }
                    }
                }
            }
        }
        return gradient
    }

    /// Of tags' own vectors, summed over the triplets: keys in the order in which they come, and lanes of each.
    func tagGradient() -> (keys: [UInt64], gradient: [TripletModel.Lane]) {
        let (lanes, width) = (TripletModel.lanes, Self.width)
        var (places, found, gradient): ([UInt64: Int], [UInt64], [Lane]) = ([:], [], [])
        for row in lengths.indices where lengths[row] > 0 {
            let weight = Float(count) / Float(max(1, keys[row].count))
            let image = (0..<lanes).map { lane in
                Lane(images[row * width + lane * 8..<row * width + lane * 8 + 8]) * weight
            }
            for key in keys[row] {
                let place = places[key] ?? found.count
                if place == found.count {
                    places[key] = place
                    found.append(key)
                    gradient.append(contentsOf: repeatElement(.zero, count: lanes))
                }
                for lane in 0..<lanes {
                    gradient[place * lanes + lane] = gradient[place * lanes + lane] + image[lane]
                }
            }
        }
        return (found, gradient)
    }
}
