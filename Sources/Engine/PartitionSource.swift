internal import Checkpoints
internal import ClusterUsers
internal import EventLog

/// A partition's users made ready for the state, and what is remembered of its last events.
struct Arrivals {
    var users: [ArrivedUsers] = []
    var recent: [String: Scalar] = [:]
}

/// Where a partition's users come from: the state's file, its changelog, or a copy and the rest of it.
struct PartitionSource {
    /// Of one part, which one core makes ready, and parts of a round.
    static let usersAtOnce = 500
    static let partsAtOnce = 16

    /// `nil` of a partition that nobody has learned yet.
    var marker: PartitionMarker?
    /// Where that stands.
    var markerOffset: Int64?
    /// Records that were read of the changelog.
    var recordsRead: Int
    var isCopy: Bool
    /// What was told of its users is gone, and is done without.
    var isUnknown = false
    /// `nil` where it cannot be read after all.
    var arrivals: (ArrivalRules, KnownItems) -> Arrivals?

    init(
        marker: PartitionMarker?, at markerOffset: Int64?, recordsRead: Int, isCopy: Bool = false,
        _ arrivals: @escaping (ArrivalRules, KnownItems) -> Arrivals?
    ) {
        (self.marker, self.markerOffset) = (marker, markerOffset)
        (self.recordsRead, self.isCopy) = (recordsRead, isCopy)
        self.arrivals = arrivals
    }

    init(_ image: PartitionImage, markerOffset: Int64?, records: Int) {
        self.init(marker: image.marker, at: markerOffset, recordsRead: records) { rules, items in
            var parts: [[TravellingUser]] = []
            image.forEachUsers(Self.usersAtOnce) { parts.append($0) }
            return Arrivals(
                users: ArrivedUsers.ready(parts, for: rules, items: items), recent: image.recent)
        }
    }
    /// Of users of whom nothing is told any more.
    static func unknown(_ marker: PartitionMarker) -> PartitionSource {
        var source = PartitionSource(marker: marker, at: nil, recordsRead: 0) { _, _ in Arrivals() }
        source.isUnknown = true
        return source
    }

    /// Whether this is what the group's offset tells of.
    func belongs(to committed: CommittedPosition?) -> Bool {
        guard let name = committed?.changelog else { return true }
        guard let marker else { return false }
        // One of before changelogs had names is as good: none that was begun since has no name.
        return marker.changelog ?? name == name
    }
}
