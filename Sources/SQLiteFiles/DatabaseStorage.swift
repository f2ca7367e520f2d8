/// What is to be known of a database that is open, as files.
public struct DatabaseStorage: Sendable, Equatable {
    /// Length of its write-ahead log.
    public var walBytes: Int64
    /// Who keeps the write-ahead log from being folded in, and for how long already, in words; empty where nobody does.
    public var walHeldBy: String

    /// As it is now.
    public init(of wal: WriteAheadLog) {
        walBytes = wal.bytes
        walHeldBy = wal.heldBy
    }
}
