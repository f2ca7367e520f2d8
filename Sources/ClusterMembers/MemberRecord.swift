// ClusterMembers: which daemon of a group has which users, and where it is asked.
//
// Here live what a daemon tells the others of itself, what it makes of what others tell, and how Redis's slots stand to the
// log's partitions. Pure: records and times come in, owners and addresses come out. Who owns a partition is decided by
// Kafka's group alone; this is how it gets about. What never comes in: how bytes travel, and users' state.

internal import Foundation

/// What a member tells the others of itself with each of its commits, and every few seconds where it has none: the newest
/// holds.
package struct MemberRecord: Codable, Equatable, Sendable {
    package var member: UInt64
    /// Where its RPC is asked: `host:port`, or the path of a socket.
    package var address: String
    /// Partitions that it answers for, and the next offset of each: all before it is in what this commit tells.
    package var positions: [Int32: Int64]
    /// Milliseconds since 1970, by its own clock.
    package var at: Int64
    /// Bytes that it has sent since it started.
    package var bytesSent: Int
    /// The newest `PROMOTE` that it knows of.
    package var promotion: AskedPromotion?
    /// What Kafka's group calls it.
    package var groupMember: String?
    /// Partitions of others of which it has a copy, ascending.
    package var standby: [Int32]?
    /// The newest image of items that it knows of, whoever told it.
    package var image: ItemImagePlace?
    /// It stops, and answers for nobody.
    package var isLeaving = false

    package init(member: UInt64, address: String, positions: [Int32: Int64], at: Int64, bytesSent: Int) {
        (self.member, self.address, self.positions) = (member, address, positions)
        (self.at, self.bytesSent) = (at, bytesSent)
    }

    /// A JSON object. Its first byte tells it from a change of items.
    package var encoded: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Of texts and whole numbers, which can always be written.
        return (try? encoder.encode(self)).map { Array($0) } ?? []
    }

    /// - Returns: `nil` where it is none.
    package init?(_ bytes: [UInt8]) {
        guard Self.isOne(bytes), let record = try? JSONDecoder().decode(Self.self, from: Data(bytes)),
            Self.moments.contains(record.at), record.image?.isSound ?? true
        else { return nil }
        self = record
    }

    package static func isOne(_ bytes: [UInt8]) -> Bool { bytes.first == UInt8(ascii: "{") }

    /// Offsets and milliseconds: what another is taken from stays a number.
    static let moments: ClosedRange<Int64> = 0...1 << 56

    /// Of all its records the topic need keep the last alone.
    package var key: [UInt8] { Array("member/\(String(member, radix: 16))".utf8) }
}

/// Where among what is told of items an image of all of them stands, in pieces.
package struct ItemImagePlace: Codable, Equatable, Sendable {
    /// Names the image.
    package var image: UInt64
    /// The first offset that whoever begins with it has to hear.
    package var next: Int64
    /// The offset of the first piece, behind `next`; the others come behind, among what else is told.
    package var from: Int64
    package var pieces: Int
    /// Of the pieces together.
    package var bytes: Int
    /// Milliseconds since 1970 of when it was made, by the clock of whoever made it.
    package var at: Int64
    /// Of two, which go by turns: what names the pieces. A topic that keeps the last of each name keeps two images.
    package var slot: Int

    package init(image: UInt64, next: Int64, from: Int64, pieces: Int, bytes: Int, at: Int64, slot: Int) {
        (self.image, self.next, self.from, self.pieces, self.bytes) = (image, next, from, pieces, bytes)
        (self.at, self.slot) = (at, slot)
    }

    /// Whether its numbers are such as somebody tells.
    fileprivate var isSound: Bool {
        [at, next, from].allSatisfy(MemberRecord.moments.contains) && pieces > 0 && bytes > 0
            && (0...1).contains(slot)
    }

    /// What two members tell at the same time is told twice; all take the same one then.
    package func isNewer(than other: ItemImagePlace?) -> Bool {
        guard let other else { return true }
        return (at, image) > (other.at, other.image)
    }
}

/// A `PROMOTE` of the log.
package struct AskedPromotion: Codable, Equatable, Sendable {
    package var model: String
    package var partition: Int32
    package var offset: Int64

    package init(model: String, partition: Int32, offset: Int64) {
        (self.model, self.partition, self.offset) = (model, partition, offset)
    }

    /// One order for all: that of the partition in which all of them are that were asked for by `PROMOTE`. What a producer
    /// has put into another partition stands behind those.
    ///
    /// - Parameter home: that partition.
    package func isNewer(than other: AskedPromotion?, home: Int32) -> Bool {
        guard let other else { return true }
        func rank(_ promotion: AskedPromotion) -> (Int, Int32, Int64) {
            (promotion.partition == home ? 1 : 0, promotion.partition, promotion.offset)
        }
        return rank(self) > rank(other)
    }
}
