package import Access
import RESP

/// What a session is in another process: all that a connection has said of itself and that outlives a command.
package struct SessionRecord: Sendable, Codable, Equatable {
    var version: Int64
    /// Absent where it was authenticated by a program that knew no roles, or not at all.
    var identity: Identity?
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
            version: version.rawValue, identity: identity, name: name, libraryName: libraryName,
            libraryVersion: libraryVersion, replies: replies, tracking: tracking)
    }

    /// Goes on where a session of another process stood.
    package mutating func take(_ record: SessionRecord, _ access: AccessControl) {
        version = RESPVersion(rawValue: record.version) ?? .two
        // Who has lost a name meanwhile has to give it anew.
        if let identity = record.identity, access.holds(identity, peer) { become(identity, access) }
        (name, libraryName, libraryVersion) = (record.name, record.libraryName, record.libraryVersion)
        (replies, tracking) = (record.replies, record.tracking)
    }
}
