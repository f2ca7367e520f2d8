public import SQLiteFiles

/// How the embedded log behaves; every bound is there so that no client can fill memory or disk unnoticed.
public struct EmbeddedLogOptions: Sendable, Equatable {
    /// Appends that may be waiting for their commit; one more fails with `EventLogError.Code.full`.
    public var queueMax: Int
    /// Events kept behind the checkpointed position; 0 keeps all.
    public var retainEvents: Int64
    /// The longest payload taken, in bytes.
    public var payloadBytesMax: Int
    /// The size the log's file may reach, in bytes; `nil` leaves it to the disk. Appends past it fail until
    /// retention has made room.
    public var fileBytesMax: Int64?
    /// The size that the log's -wal file is cut to whenever readers allow, in bytes.
    public var walBytesMax: Int64
    /// How long dead letters that cannot be stored hold checkpoints back before they are let go; `nil` for ever.
    public var deadLetterPatience: Duration?

    public init(
        queueMax: Int = 10_000, retainEvents: Int64 = 0, payloadBytesMax: Int = 1 << 20,
        fileBytesMax: Int64? = nil, walBytesMax: Int64 = WriteAheadLog.bytesMax,
        deadLetterPatience: Duration? = .seconds(60)
    ) {
        self.queueMax = queueMax
        self.retainEvents = retainEvents
        self.payloadBytesMax = payloadBytesMax
        self.fileBytesMax = fileBytesMax
        self.walBytesMax = walBytesMax
        self.deadLetterPatience = deadLetterPatience
    }
}
