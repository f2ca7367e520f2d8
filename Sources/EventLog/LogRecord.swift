public import Events

/// What is to be appended to a log.
public struct LogRecord: Sendable {
    public var key: EntityID
    public var payload: [UInt8]
    /// Milliseconds since 1970.
    public var time: Int64

    public init(key: EntityID, payload: [UInt8], time: Int64) {
        (self.key, self.payload, self.time) = (key, payload, time)
    }
}
