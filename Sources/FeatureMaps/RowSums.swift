internal import CKernels
internal import Factors

/// The rows of one model's items, weighted and summed up by what features the items have: what of the normal equations
/// has to be made of rows while none is learned.
struct RowSums: Sendable {
    /// Factors, and the bias behind them.
    let width: Int
    /// Σ D y of all items.
    private(set) var all: [Double]
    /// XᵀDY: features × width, row-major.
    private(set) var byFeature: [Double]

    /// Rows that are summed up in float32 before they are added to what has more digits.
    private static let perBlock = 4_096

    /// - Parameters:
    ///   - lists: words by item.
    ///   - columns: by word: the feature that it is, or −1.
    ///   - weights: D by item; one of weight 0 is not looked at.
    init(_ table: ItemPriors.Table, lists: RowLists, columns: [Int32], features: Int, weights: [Float]) {
        let factors = table.rows.factors
        let stride = factors + 8
        width = factors + 1
        var block = [Float](repeating: 0, count: (features + 1) * stride)
        var sums = [Double](repeating: 0, count: (features + 1) * width)
        let width = width
        block.withUnsafeMutableBufferPointer { block in
            columns.withUnsafeBufferPointer { columns in
                guard let start = block.baseAddress, let columns = columns.baseAddress else { return }
                var to = row_sums(
                    sums: start, columns: columns, features: Int32(features), factors: factors)
                func flush() {
                    for feature in 0...features {
                        for place in 0..<width {
                            sums[feature * width + place] += Double(block[feature * stride + place])
                        }
                    }
                    block.update(repeating: 0)
                }
                var inBlock = 0
                for item in weights.indices where weights[item] > 0 {
                    let row = table.rows.row(item)
                    lists.with(row: item) { words in
                        words.withUnsafeBufferPointer { words in
                            row_sums_add(
                                &to, words.baseAddress, words.count, row.addresses.vector,
                                table.hasBias ? row.bias : 0, weights[item])
                        }
                    }
                    inBlock += 1
                    guard inBlock == Self.perBlock else { continue }
                    flush()
                    inBlock = 0
                }
                flush()
            }
        }
        all = Array(sums[(features * width)...])
        sums.removeLast(width)
        byFeature = sums
    }
}
