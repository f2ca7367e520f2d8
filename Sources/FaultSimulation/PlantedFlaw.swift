/// A bug that is put in on purpose, to see that it is found. Each changes a simulated part, or the file, as an engine with
/// the bug would have.
package enum PlantedFlaw: String, Sendable, CaseIterable {
    /// Positions are made durable before the state that was learned up to them.
    case positionsFirst = "positions-first"
    /// A sync is left out.
    case syncOmitted = "sync-omitted"
    /// What came last is not known again after a restart.
    case duplicatesForgotten = "duplicates-forgotten"
    /// A partition is let go before what was polled of it is durable.
    case revokedUnlearned = "revoked-unlearned"
    /// Who asked to be forgotten is not erased from the file.
    case forgetUnsaved = "forget-unsaved"
    /// An append that is tried again after an unknown outcome is stored twice.
    case retryDoubles = "retry-doubles"
    /// The log is told of what was read rather than of what is durable, and deletes it.
    case committedTooSoon = "committed-too-soon"

    package var words: String {
        switch self {
        case .positionsFirst: "positions are durable before the state"
        case .syncOmitted: "a sync is left out"
        case .duplicatesForgotten: "the window of duplicates is not restored"
        case .revokedUnlearned: "a revoked partition is let go before its batch is durable"
        case .forgetUnsaved: "a user who is forgotten stays in the file"
        case .retryDoubles: "a retry stores an event twice"
        case .committedTooSoon: "the log is told of events that are not durable"
        }
    }
}
