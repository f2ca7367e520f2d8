import Checkpoints
import ClusterStandby
import ClusterUsers
import Foundation
import TestSupport
import Testing

@Suite("Copies of partitions that others have")
struct StandbyTests {
    private func marker(_ position: Int64, of changelog: UInt64 = 7) -> [UInt8] {
        let marker = PartitionMarker(
            position: position, events: position, partitions: 2, member: "a", changelog: changelog)
        return Array((try? JSONEncoder().encode(marker)) ?? Data())
    }

    /// A changelog: users' records, then a marker.
    private func records(
        _ users: [(String, String?)], from offset: Int64, position: Int64, changelog: UInt64 = 7
    )
        -> [FollowedRecord]
    {
        var records = users.map { id, value in
            FollowedRecord(offset: 0, key: Array("u\(id)".utf8), value: value.map { Array($0.utf8) })
        }
        records += users.filter { $0.1 != nil }.map { id, _ in
            FollowedRecord(offset: 0, key: Array("mstars\0\(id)".utf8), value: Array("row \(id)".utf8))
        }
        records.append(
            FollowedRecord(offset: 0, key: Array("k".utf8), value: marker(position, of: changelog)))
        for place in records.indices { records[place].offset = offset + Int64(place) }
        return records
    }

    private func told(_ copies: StandbyCopies, _ partition: Int32, atOnce: Int = 2) throws -> [String: String]
    {
        var told: [String: String] = [:]
        var order: [String] = []
        _ = try copies.read(partition, usersAtOnce: atOnce) { users in
            #expect(users.count <= atOnce)
            for user in users {
                order.append(user.id)
                told[user.id] = String(decoding: user.state ?? [], as: UTF8.self)
                #expect(user.rows["stars"] == Array("row \(user.id)".utf8))
            }
        }
        #expect(order == order.sorted())
        return told
    }

    @Test("hold the last that was said of each user, over a restart too, and know where to go on")
    func holding() throws {
        let folder = Folder()
        let place = folder.path + "/standby"
        var copies = try StandbyCopies(folder: place, at: 1_000)
        let first = records([("b", "1"), ("a", "1"), ("c", "1")], from: 0, position: 10)
        #expect(
            try copies.take(first, of: 3, next: 7, isEnd: false, at: 1_000) == .taken)
        #expect(copies.places[3]?.isWhole == false)
        copies.close()
        copies = try StandbyCopies(folder: place, at: 2_000)
        #expect(copies.places[3]?.next == 7 && copies.places[3]?.markerOffset == 6)
        let second = records([("b", nil), ("a", "2"), ("d", "2")], from: 8, position: 12)
        // One that is forgotten loses the rows, too.
        let gone = FollowedRecord(offset: 15, key: Array("mstars\0b".utf8), value: nil)
        #expect(try copies.take(second + [gone], of: 3, next: 17, isEnd: true, at: 2_000) == .taken)
        #expect(try told(copies, 3) == ["a": "2", "c": "1", "d": "2"])
        let copy = try #require(copies.places[3])
        #expect(copy.isWhole && copy.next == 17 && copy.heard == 2_000 && copy.marker?.position == 12)
        #expect(copies.bytes > 0)
        copies.drop(3)
        #expect(copies.places.isEmpty && copies.bytes == 0)
        copies.close()
    }

    /// The topic of events was made anew, and its positions began anew: read from the beginning, a changelog that is not compacted
    /// yet has markers of both, and a copy of it was dropped and begun again without end.
    @Test("that are made of a changelog whose positions went back hold what was said last")
    func wentBack() throws {
        let folder = Folder()
        let copies = try StandbyCopies(folder: folder.path, at: 0)
        let all =
            records([("a", "1")], from: 0, position: 1_000)
            + records([("a", "2"), ("b", "2")], from: 3, position: 4)
        #expect(try copies.take(all, of: 0, next: 8, isEnd: true, at: 0) == .taken)
        #expect(copies.places[0]?.marker?.position == 4)
        #expect(try told(copies, 0) == ["a": "2", "b": "2"])
        // One that had been whole before is of what is no more.
        let back = records([("c", "3")], from: 8, position: 1)
        #expect(try copies.take(back, of: 0, next: 11, isEnd: true, at: 0) == .otherChangelog)
        copies.close()
    }

    @Test("what was read twice is there once, as where a copy is gone on with from its last marker")
    func twice() throws {
        let folder = Folder()
        let copies = try StandbyCopies(folder: folder.path, at: 0)
        let all = records([("a", "1"), ("b", "1")], from: 0, position: 4)
        for _ in 0..<2 { #expect(try copies.take(all, of: 0, next: 5, isEnd: true, at: 0) == .taken) }
        #expect(try told(copies, 0, atOnce: 10) == ["a": "1", "b": "1"])
        copies.close()
    }

    @Test(
        "of a changelog that was begun anew nothing of before stays, whether it has another name or went back"
    )
    func generations() throws {
        let folder = Folder()
        let copies = try StandbyCopies(folder: folder.path, at: 0)
        for (position, changelog) in [(9, 8), (3, 7)] as [(Int64, UInt64)] {
            let old = records([("a", "old")], from: 0, position: 5)
            #expect(try copies.take(old, of: 0, next: 4, isEnd: true, at: 0) == .taken)
            let new = records([("b", "new")], from: 4, position: position, changelog: changelog)
            #expect(try copies.take(new, of: 0, next: 8, isEnd: true, at: 0) == .otherChangelog)
            #expect(copies.places[0] == nil)
            #expect(throws: StandbyError.self) { try copies.read(0, usersAtOnce: 1) { _ in } }
        }
        copies.close()
    }

    @Test(
        "one that has heard nothing for so long that the words of who was forgotten may be gone is made anew")
    func stale() throws {
        let folder = Folder()
        var copies = try StandbyCopies(folder: folder.path, at: 0)
        for partition in [Int32(0), 1] {
            _ = try copies.take(
                records([("a", "1")], from: 0, position: 5), of: partition, next: 3, isEnd: true, at: 0)
        }
        let later = StandbyCopy.patience + 1
        #expect(try copies.take([], of: 0, next: 3, isEnd: true, at: later) == .stale)
        #expect(copies.places[0] == nil && copies.places[1] != nil)
        copies.close()
        copies = try StandbyCopies(folder: folder.path, at: later)
        #expect(copies.places.isEmpty)
        copies.close()
    }

    @Test("a file that is none, or is damaged, costs that copy alone")
    func damage() throws {
        let folder = Folder()
        var copies = try StandbyCopies(folder: folder.path, at: 0)
        for partition in [Int32(0), 1] {
            _ = try copies.take(
                records([("a", "1")], from: 0, position: 5), of: partition, next: 3, isEnd: true, at: 0)
        }
        copies.close()
        try Data("no database at all".utf8).write(to: URL(filePath: folder.path + "/1.sqlite"))
        copies = try StandbyCopies(folder: folder.path, at: 0)
        #expect(Array(copies.places.keys) == [0])
        #expect(try told(copies, 0) == ["a": "1"])
        _ = try copies.take(records([("b", "2")], from: 0, position: 6), of: 1, next: 3, isEnd: true, at: 0)
        #expect(try told(copies, 1) == ["b": "2"])
        copies.close()
    }
}
