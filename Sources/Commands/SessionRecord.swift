import RESP

/// What a session is in another process: all that a connection has said of itself and that outlives a command.
package struct SessionRecord: Sendable, Codable, Equatable {
    var version: Int64
    var isAuthenticated: Bool
    var name: String
    var libraryName: String
    var libraryVersion: String
    var replies: Session.Replies
    var tracking: Tracking?
}

extension Session {
    /// Of a session without a transaction.
    package var record: SessionRecord {
        SessionRecord(
            version: version.rawValue, isAuthenticated: isAuthenticated, name: name, libraryName: libraryName,
            libraryVersion: libraryVersion, replies: replies, tracking: tracking)
    }

    /// Goes on where a session of another process stood.
    package mutating func take(_ record: SessionRecord) {
        version = RESPVersion(rawValue: record.version) ?? .two
        isAuthenticated = record.isAuthenticated
        (name, libraryName, libraryVersion) = (record.name, record.libraryName, record.libraryVersion)
        (replies, tracking) = (record.replies, record.tracking)
    }
}
