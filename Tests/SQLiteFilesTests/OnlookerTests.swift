import Foundation
import GRDB
import TestSupport
import Testing

@testable import SQLiteFiles

/// Who only looks at a database. Root may write anywhere; so what is made is looked for while it is read, too.
@Suite("an onlooker at a database")
struct OnlookerTests {
    private let folder = Folder()

    /// With a row for each number; open as long as what is returned.
    private func write(_ path: String, rows: Int, mode: String = "WAL") throws -> DatabaseQueue {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA journal_mode = \(mode); CREATE TABLE t(x); PRAGMA user_version = 7")
        }
        try add(rows, to: queue)
        return queue
    }

    private func add(_ rows: Int, to queue: DatabaseQueue) throws {
        try queue.write { db in
            for row in 0..<rows { try db.execute(sql: "INSERT INTO t VALUES (?)", arguments: [row]) }
        }
    }

    /// Names and contents of the files of a folder.
    private func files(_ folder: String) throws -> [String: Data] {
        try FileManager.default.contentsOfDirectory(atPath: folder).reduce(into: [:]) { files, name in
            files[name] = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
        }
    }

    /// Rows that are seen in a folder that may only be read, in which nothing changes meanwhile.
    private func seen(_ path: String) throws -> Int? {
        let folder = (path as NSString).deletingLastPathComponent
        let before = try files(folder)
        #expect(chmod(folder, 0o555) == 0)
        defer { #expect(chmod(folder, 0o755) == 0) }
        let queue = try Onlooker.open(path: path)
        let count = try queue.read { db in
            #expect(try String.fetchAll(db, sql: "PRAGMA integrity_check") == ["ok"])
            #expect(try files(folder) == before)
            return try Int.fetchOne(db, sql: "SELECT count(*) FROM t")
        }
        try queue.close()
        #expect(try files(folder) == before)
        return count
    }

    @Test("at rest it is read as one file, and neither a -wal nor a -shm is made")
    func atRest() throws {
        try write(folder.state, rows: 5).close()
        #expect(Onlooker.Way(to: folder.state) == .fileAlone)
        #expect(try seen(folder.state) == 5)
        try Data().write(to: URL(filePath: folder.state + "-wal"))
        #expect(Onlooker.Way(to: folder.state) == .fileAlone)
        #expect(try seen(folder.state) == 5)
    }

    @Test(
        "in a copy of the files of an open one, what stands in the log alone is seen, and the log stays as it is"
    )
    func copied() throws {
        let queue = try write(folder.state, rows: 5)
        _ = try queue.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        try add(3, to: queue)
        let copy = Folder()
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: folder.state + suffix, toPath: copy.state + suffix)
        }
        #expect(Onlooker.Way(to: copy.state) == .fileAndLog)
        #expect(try seen(copy.state) == 8)
        // A log that is gone is not made up for.
        try FileManager.default.removeItem(atPath: copy.state + "-wal")
        #expect(try seen(copy.state) == 5)
        try queue.close()
    }

    @Test("beside somebody who writes, the last transaction that has ended is seen, by the locks of both")
    func beside() throws {
        let queue = try write(folder.state, rows: 5)
        #expect(Onlooker.Way(to: folder.state) == .besideOthers)
        let onlooker = try Onlooker.open(path: folder.state)
        func count() throws -> Int? {
            try onlooker.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM t") }
        }
        #expect(try count() == 5)
        try add(2, to: queue)
        _ = try queue.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        #expect(try count() == 7)
        try onlooker.close()
        try queue.close()
    }

    @Test("without a write-ahead log it is read by its locks, which leave no file either")
    func withoutLog() throws {
        try write(folder.state, rows: 4, mode: "DELETE").close()
        #expect(Onlooker.Way(to: folder.state) == .besideOthers)
        #expect(try seen(folder.state) == 4)
    }

    @Test("nothing can be written")
    func reading() throws {
        try write(folder.state, rows: 1).close()
        let onlooker = try Onlooker.open(path: folder.state)
        #expect(throws: DatabaseError.self) {
            try onlooker.writeWithoutTransaction { try $0.execute(sql: "DELETE FROM t") }
        }
        try onlooker.close()
        #expect(try seen(folder.state) == 1)
    }

    @Test("whatever its name, and behind a symbolic link")
    func names() throws {
        let odd = folder.path + "/a 100%25?mode=rw#b;é"
        try FileManager.default.createDirectory(atPath: odd, withIntermediateDirectories: true)
        let queue = try write(odd + "/s.sqlite", rows: 2)
        let copy = odd + " copy"
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(
                atPath: "\(odd)/s.sqlite\(suffix)", toPath: "\(copy)/s.sqlite\(suffix)")
        }
        try queue.close()
        #expect(try seen(odd + "/s.sqlite") == 2)
        #expect(try seen(copy + "/s.sqlite") == 2)
        let link = folder.path + "/link.sqlite"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: copy + "/s.sqlite")
        let onlooker = try Onlooker.open(path: link)
        #expect(try onlooker.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM t") } == 2)
        try onlooker.close()
    }

    @Test("a file that is none, or not there, is refused as ever")
    func refused() throws {
        #expect(throws: DatabaseError.self) { try Onlooker.open(path: folder.path + "/nothing") }
        try Data("no database, and long enough to have a header of twenty bytes".utf8)
            .write(to: URL(filePath: folder.state))
        let error = #expect(throws: DatabaseError.self) { try Onlooker.open(path: folder.state) }
        #expect(error.map { DatabaseFailure($0) } == .damaged)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/nothing"))
    }

    @Test("what a reader can do is about reading")
    func remedies() {
        for failure in [DatabaseFailure.readOnly, .cannotOpen] {
            let remedy = failure.remedyForReader(path: "/x") ?? ""
            #expect(remedy.contains("make it readable") && remedy.contains("-wal"), "\(remedy)")
        }
        #expect(DatabaseFailure.damaged.remedyForReader(path: "/x") == nil)
    }
}
