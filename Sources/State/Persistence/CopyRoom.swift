internal import Factors
internal import Locking

/// Memory for the rows of items that a checkpoint copies aside, made before learning pauses for it: the first touch of a page
/// takes three times as long as to copy a page.
package final class CopyRoom: Sendable {
    /// By model; empty where none was made, or it is taken. Nobody else may hold an array that is written into.
    private let vectors: Lock<[[Float]]>

    /// - Parameter numbers: of each model, as many numbers as there is to be room for.
    package init(numbers: [Int] = []) { vectors = Lock(numbers.map { Array(repeating: 0, count: $0) }) }

    func take(model: Int) -> [Float] {
        vectors.withLock { vectors in
            guard vectors.indices.contains(model) else { return [] }
            var room: [Float] = []
            swap(&room, &vectors[model])
            return room
        }
    }
}

extension LearnedState {
    /// Less than this is touched as fast as it is asked for.
    private static let roomWorthMaking = 1 << 20

    /// Of each model, numbers that a checkpoint would copy now, and some for what is learned until it begins; `nil` where they
    /// are few. On the engine's queue, between rounds.
    package var copyRoomNumbers: [Int]? {
        let numbers = models.map { model in
            guard model.options.learnsRows else { return 0 }
            let count = model.items.count
            return min(2 * model.items.count(marked: .unsaved), count + count / 4) * model.items.factors
        }
        return numbers.reduce(0, +) >= Self.roomWorthMaking ? numbers : nil
    }
}
