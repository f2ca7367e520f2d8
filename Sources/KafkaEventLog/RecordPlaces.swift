import Events
import Locking

/// Where a transaction's records have come to stand, by partition.
final class RecordPlaces: Sendable {
    private let places = Lock<[Int32: ClosedRange<Int64>]>([:])

    func add(_ token: Token) {
        places.withLock { places in
            let known = places[token.partition] ?? token.offset...token.offset
            places[token.partition] =
                min(known.lowerBound, token.offset)...max(known.upperBound, token.offset)
        }
    }

    var last: [Int32: Int64] { places.withLock { $0.mapValues(\.upperBound) } }

    /// Offsets only grow, save where a topic was deleted and made anew, or has lost its end with a broker.
    func partitions(notBehind told: [Int32: Int64]) -> Set<Int32> {
        places.withLock { places in
            Set(places.filter { $0.value.lowerBound <= told[$0.key] ?? -1 }.keys)
        }
    }
}
