// ClusterStandby: copies of partitions that other machines have, on disk, so that one of them can be taken over without
// reading all of its changelog.
//
// Here live a copy as a file, what makes it worthless, and which copies there are. Records and offsets come in, users in
// the order of their ids come out. What never comes in: how bytes travel, who has which partition, and a state.

package import ClusterUsers

/// A record of a partition's changelog, as it was read.
package struct FollowedRecord: Sendable, Equatable {
    package var offset: Int64
    package var key: [UInt8]
    /// `nil` takes back what was said under the key.
    package var value: [UInt8]?

    package init(offset: Int64, key: [UInt8], value: [UInt8]?) {
        (self.offset, self.key, self.value) = (offset, key, value)
    }
}

/// How far a copy is.
package struct StandbyCopy: Sendable, Equatable {
    /// The offset that is read next; `nil` of a copy that has nothing yet.
    package var next: Int64?
    /// The last marker that was read, and where it stands.
    package var marker: PartitionMarker?
    package var markerOffset: Int64?
    /// Milliseconds since 1970: all that was said until then is in the copy, or will have been read when it stands at the end.
    package var heard: Int64
    /// It has stood at the end of the changelog.
    package var isWhole: Bool

    /// A copy that has nothing.
    package init(at now: Int64) { (heard, isWhole) = (now, false) }

    /// For how long a changelog keeps the word that somebody was forgotten, at the least, is `delete.retention.ms`: a day by
    /// default. Of a copy that has heard nothing for half of that nobody knows who should be gone from it.
    package static let patience: Int64 = 12 * 3_600_000

    package func isStale(at now: Int64) -> Bool { now - heard > Self.patience }
}

/// What went wrong with a copy: it can be made anew.
package struct StandbyError: Error, Equatable, CustomStringConvertible {
    package var description: String
}
