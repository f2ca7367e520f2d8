import Foundation
import GRDB
import SQLiteFiles
import TestSupport
import Testing

@testable import Checkpoints

/// What happens to the file from outside while it is open.
@Suite("a state file in trouble", .ownThread)
struct StateFileFaultTests {
    private let folder = Folder()

    private func open(walBytesMax: Int64 = 256 << 10) throws -> StateFile {
        try StateFile(path: folder.state, identity: StateFileRowsTests.identity, walBytesMax: walBytesMax)
    }

    private func delta(position: Int64, items: Int = 1) -> StateDelta {
        var delta = StateDelta()
        delta.positions = [0: position]
        delta.items = (0..<items).map { row in
            StoredItem(
                row: Int32(row), id: Data("i\(row)".utf8), title: Data(repeating: 0x41, count: 2_000),
                tags: [],
                available: true, users: 0, ratings: position, ratingSum: 0, lastEvent: nil)
        }
        return delta
    }

    private func position(at path: String? = nil) throws -> Int64? {
        let queue = try DatabaseQueue(path: path ?? folder.state)
        defer { try? queue.close() }
        return try queue.read { try Int64.fetchOne($0, sql: "SELECT next_offset FROM positions") }
    }

    @Test(
        "while it may only be read, writing fails with the reason, and succeeds as soon as it may be written")
    func readOnly() throws {
        let file = try open()
        try file.write(delta(position: 1))
        try file.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 1") }
        let error = #expect(throws: StateError.self) { try file.write(delta(position: 2)) }
        #expect(error?.code == .unwritable)
        #expect(error?.message.contains("mounted read-only") == true)
        #expect(error?.message.contains(folder.state) == true)
        #expect(try position() == 1)
        try file.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 0") }
        try file.write(delta(position: 2))
        try file.close()
        #expect(try position() == 2)
    }

    @Test("under somebody else's write lock it says so, and the next write succeeds")
    func locked() throws {
        let file = try open()
        try file.write(delta(position: 1))
        let other = try OtherTransaction(folder.state, "BEGIN IMMEDIATE", reading: "items")
        let error = #expect(throws: StateError.self) { try file.write(delta(position: 2)) }
        #expect(error?.code == .locked)
        #expect(error?.message.contains("end that transaction") == true)
        try other.end()
        try file.write(delta(position: 2))
        try file.close()
        #expect(try position() == 2)
    }

    @Test("deleted, it is not written to; moved back, it is, and nothing of before is missing")
    func deleted() throws {
        let file = try open()
        try file.write(delta(position: 1))
        let elsewhere = folder.path + "/elsewhere"
        try FileManager.default.moveItem(atPath: folder.state, toPath: elsewhere)
        let error = #expect(throws: StateError.self) { try file.write(delta(position: 2)) }
        #expect(error?.code == .unwritable)
        #expect(error?.message.contains("deleted or moved away") == true)
        #expect(throws: StateError.self) { _ = try file.keepWithinBounds(always: true) }
        try FileManager.default.moveItem(atPath: elsewhere, toPath: folder.state)
        try file.write(delta(position: 2))
        #expect(try file.keepWithinBounds(always: true) == nil)
        try file.close()
        #expect(try position() == 2)
    }

    @Test(
        "replaced by a copy, the copy stays as it is, and closing leaves no log of pages that is not its own")
    func replaced() throws {
        let file = try open()
        try file.write(delta(position: 1))
        let copy = folder.path + "/copy"
        try DatabaseQueue(path: folder.state).backup(to: DatabaseQueue(path: copy))
        try file.write(delta(position: 2))
        let elsewhere = folder.path + "/elsewhere"
        try FileManager.default.moveItem(atPath: folder.state, toPath: elsewhere)
        try FileManager.default.moveItem(atPath: copy, toPath: folder.state)
        let error = #expect(throws: StateError.self) { try file.write(delta(position: 3)) }
        #expect(error?.message.contains("replaced by another file") == true)
        #expect(throws: StateError.self) { try file.close() }
        #expect(!FileManager.default.fileExists(atPath: folder.state + "-wal"))
        #expect(try position() == 1)
        #expect(try position(at: elsewhere) == 2, "what was written before is whole where it was moved")
        let verified = try DatabaseQueue(path: folder.state).read {
            try String.fetchOne($0, sql: "PRAGMA integrity_check")
        }
        #expect(verified == "ok")
    }

    @Test("with its log of pages deleted, what was written is kept, and the next write begins a new one")
    func walDeleted() throws {
        let file = try open()
        try file.write(delta(position: 1, items: 50))
        for suffix in ["-wal", "-shm"] { try FileManager.default.removeItem(atPath: folder.state + suffix) }
        try file.write(delta(position: 2))
        // As a kill would leave it.
        let copy = Folder()
        for suffix in ["", "-wal"] {
            try? FileManager.default.copyItem(atPath: folder.state + suffix, toPath: copy.state + suffix)
        }
        #expect(try position(at: copy.state) == 2)
        try file.close()
        #expect(try position() == 2)
    }

    @Test(
        "with its log of pages deleted while users are read beside it, nothing that was written is lost to either"
    )
    func walDeletedBesideReader() throws {
        let file = try open()
        let reader = UserRowReader(of: file, withoutVectors: ["m"])
        func ratings() throws -> Int64? {
            var found: Int64?
            try reader.read([0]) {
                found = $0.ratings
            } factors: { _ in
            }
            return found
        }
        func write(_ ratings: Int64) throws {
            var delta = delta(position: ratings)
            delta.users = [
                StoredUser(
                    row: 0, id: Data("u".utf8), history: Data(), residualSum: 0, ratings: ratings,
                    nextOrder: 0,
                    lastEvent: 0, hidden: Data())
            ]
            try file.write(delta)
        }
        try write(1)
        #expect(try ratings() == 1)
        for suffix in ["-wal", "-shm"] { try FileManager.default.removeItem(atPath: folder.state + suffix) }
        // Of this nothing is said of the user.
        try file.write(delta(position: 2))
        #expect(try ratings() == 1)
        try write(3)
        #expect(try ratings() == 3)
        reader.close()
        try file.close()
        #expect(try position() == 3)
    }

    @Test("replaced by another file, it is not read from either")
    func replacedBesideReader() throws {
        let file = try open()
        try file.write(delta(position: 1))
        let copy = folder.path + "/copy"
        try DatabaseQueue(path: folder.state).backup(to: DatabaseQueue(path: copy))
        try FileManager.default.removeItem(atPath: folder.state)
        try FileManager.default.moveItem(atPath: copy, toPath: folder.state)
        let reader = UserRowReader(of: file, withoutVectors: [])
        let error = #expect(throws: StateError.self) {
            try reader.read([0]) { _ in
            } factors: { _ in
            }
        }
        #expect(error?.message.contains("replaced by another file") == true)
    }

    @Test("its folder deleted with all that is in it, it says so, and closing does, too")
    func folderDeleted() throws {
        let file = try open()
        try file.write(delta(position: 1))
        try FileManager.default.removeItem(atPath: folder.path)
        #expect(throws: StateError.self) { try file.write(delta(position: 2)) }
        let error = #expect(throws: StateError.self) { try file.close() }
        #expect(error?.message.contains("deleted or moved away") == true)
    }

    @Test("its log of pages grows under a reader and goes back to its bound without one, and nothing is lost")
    func bounded() throws {
        let file = try open()
        try file.write(delta(position: 1))
        let reader = try OtherTransaction(folder.state, "BEGIN", reading: "items")
        for position in 2...10 {
            try file.write(delta(position: Int64(position), items: 200))
            _ = try file.keepWithinBounds(always: true)
        }
        #expect(file.storage.walBytes > 256 << 10)
        #expect(file.storage.walHeldBy.contains("has been reading for"))
        try reader.end()
        _ = try file.keepWithinBounds(always: false)
        #expect(file.storage.walBytes <= 256 << 10 && file.storage.walHeldBy.isEmpty)
        #expect(try position() == 10)
        try file.close()
    }
}
