internal import Checkpoints
internal import ClusterUsers

/// A partition's users made ready for the state, and what is remembered of its last events.
struct Arrivals {
    var users: [ArrivedUsers] = []
    var recent: [String: Scalar] = [:]
}

/// Where a partition's users come from: its changelog, or a copy and the rest of it.
struct PartitionSource {
    /// Of one part, which one core makes ready, and parts of a round.
    static let usersAtOnce = 500
    static let partsAtOnce = 16

    /// `nil` of a partition that nobody has learned yet.
    var marker: PartitionMarker?
    /// Records that were read of the changelog.
    var recordsRead: Int
    var isCopy: Bool
    /// `nil` where it cannot be read after all.
    var arrivals: (ArrivalRules, KnownItems) -> Arrivals?

    init(
        marker: PartitionMarker?, recordsRead: Int, isCopy: Bool = false,
        _ arrivals: @escaping (ArrivalRules, KnownItems) -> Arrivals?
    ) {
        (self.marker, self.recordsRead, self.isCopy) = (marker, recordsRead, isCopy)
        self.arrivals = arrivals
    }

    init(_ image: PartitionImage, records: Int) {
        self.init(marker: image.marker, recordsRead: records) { rules, items in
            var parts: [[TravellingUser]] = []
            image.forEachUsers(Self.usersAtOnce) { parts.append($0) }
            return Arrivals(
                users: ArrivedUsers.ready(parts, for: rules, items: items), recent: image.recent)
        }
    }
}
