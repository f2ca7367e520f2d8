import Events

/// Decides whether a log that is found again is the one that a state was learned from. Pure, so that what no test can
/// make a broker do is tested all the same.
enum LogContinuity {
    /// Where a state stands in one partition.
    struct Stand: Equatable {
        /// The next offset to read.
        var next: Int64
        /// Records that were learned, as they were read then.
        var learned: [RecordFingerprint] = []
    }

    /// How far a partition reaches just now.
    struct Extent: Equatable {
        /// The oldest offset it may still hold a record at.
        var earliest: Int64
        /// One past the newest that may be read.
        var end: Int64
    }

    enum Verdict: Equatable {
        case continues
        /// What was to be read next is deleted, up to this offset.
        case gap(to: Int64)
        /// The partition ends before the state's position.
        case tooShort
        /// Another record stands at this offset.
        case differs(at: Int64)
    }

    /// - Parameter found: of the records that were learned, those that stand at their offsets now. One that is
    ///   missing was deleted by retention or compaction, and tells nothing.
    ///
    /// A position that the log start has passed is a gap, whatever stood there: what was deleted unread cannot be known
    /// any more. Transaction markers make none, because positions move past them as soon as they are seen.
    static func judge(_ stand: Stand, _ extent: Extent, found: [RecordFingerprint]) -> Verdict {
        if extent.end < stand.next { return .tooShort }
        for record in stand.learned {
            if let now = found.first(where: { $0.offset == record.offset }), now.hash != record.hash {
                return .differs(at: record.offset)
            }
        }
        return extent.earliest > stand.next ? .gap(to: extent.earliest) : .continues
    }

    /// Which learned records are worth reading again.
    static func witnesses(of stand: Stand, in extent: Extent) -> [Int64] {
        stand.learned.map(\.offset).filter { $0 >= extent.earliest && $0 < extent.end }
    }

    /// Whether a log that says `found` of itself may be the one that was `remembered`; unknown is no difference.
    static func isSame(_ remembered: String?, _ found: String?) -> Bool {
        guard let remembered, let found else { return true }
        return remembered == found
    }
}

extension EventLogError {
    /// - Parameter thing: "topic" or "log".
    static func gap(_ name: String, _ partition: Int32, next: Int64, holds: String, thing: String) -> Self {
        EventLogError(
            .gap,
            "\(name), partition \(partition): offset \(next) is wanted next, but \(holds) (end not included). Put back "
                + "the state or the \(thing) that belong together, or set source.on-gap: skip to go on without the "
                + "events that are gone")
    }

    static func otherLog(_ name: String, _ what: String, thing: String, code: Code = .otherLog) -> Self {
        EventLogError(
            code,
            "\(name) is not the \(thing) that this state was learned from: \(what). Put back the \(thing) or the state "
                + "that belong together; or name another state.folder, to learn this \(thing) from its beginning; or "
                + "set source.on-gap: skip, to keep what is learned and go on with all that this \(thing) holds"
        )
    }

    static func tooShort(
        _ name: String, _ partition: Int32, next: Int64, _ extent: LogContinuity.Extent, thing: String
    ) -> Self {
        otherLog(
            name,
            "partition \(partition) holds \(extent.earliest) to \(extent.end) (end not included), and offset \(next) is "
                + "wanted next",
            thing: thing, code: .gap)
    }

    static func otherRecord(_ name: String, _ partition: Int32, at offset: Int64, thing: String) -> Self {
        otherLog(
            name,
            "in partition \(partition), at offset \(offset), stands another record (key, payload or time differ) than "
                + "the one that was learned",
            thing: thing)
    }
}
