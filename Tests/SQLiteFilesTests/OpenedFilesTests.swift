import Foundation
import GRDB
import TestSupport
import Testing

@testable import SQLiteFiles

@Suite("the files of an open database")
struct OpenedFilesTests {
    private func open(_ folder: Folder) throws -> DatabaseQueue {
        let queue = try DatabaseQueue(path: folder.state)
        try queue.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA journal_mode = WAL; CREATE TABLE t(x)")
        }
        return queue
    }

    @Test("untouched, grown, folded in and moved back they are the ones that were opened")
    func untouched() throws {
        let folder = Folder()
        let queue = try open(folder)
        let files = OpenedFiles(path: folder.state)
        #expect(files.loss == nil)
        try queue.write { try $0.execute(sql: "INSERT INTO t VALUES (1)") }
        try queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        #expect(files.loss == nil)
        try FileManager.default.moveItem(atPath: folder.state, toPath: folder.path + "/elsewhere")
        #expect(files.loss == .gone)
        try FileManager.default.moveItem(atPath: folder.path + "/elsewhere", toPath: folder.state)
        #expect(files.loss == nil)
    }

    @Test("deleted with their folder, replaced, or without the write-ahead log they are not")
    func lost() throws {
        let folder = Folder()
        let queue = try open(folder)
        let files = OpenedFiles(path: folder.state)
        try FileManager.default.removeItem(atPath: folder.state + "-wal")
        #expect(files.loss == .walGone)
        try FileManager.default.copyItem(atPath: folder.state, toPath: folder.path + "/copy")
        #expect(rename(folder.path + "/copy", folder.state) == 0)
        #expect(files.loss == .replaced)
        try FileManager.default.removeItem(atPath: folder.path)
        #expect(files.loss == .gone)
        try? queue.close()
    }

    @Test(
        "the write-ahead log of a replaced database is not left for the next one, that of another is left alone"
    )
    func leftovers() throws {
        let folder = Folder()
        let queue = try open(folder)
        let files = OpenedFiles(path: folder.state)
        files.removeLeftovers()
        #expect(FileManager.default.fileExists(atPath: folder.state + "-wal"))
        try Data("other".utf8).write(to: URL(filePath: folder.path + "/other"))
        #expect(rename(folder.path + "/other", folder.state) == 0)
        files.removeLeftovers()
        #expect(!FileManager.default.fileExists(atPath: folder.state + "-wal"))
        try Data("other".utf8).write(to: URL(filePath: folder.state + "-wal"))
        files.removeLeftovers()
        #expect(FileManager.default.fileExists(atPath: folder.state + "-wal"))
        try? queue.close()
    }
}

@Suite("a write-ahead log")
struct WriteAheadLogTests {
    private static let bytesMax: Int64 = 256 << 10

    private func insert(_ queue: DatabaseQueue, kilobytes: Int) throws {
        for _ in 0..<kilobytes {
            try queue.write {
                try $0.execute(sql: "INSERT INTO t VALUES (?)", arguments: [Data(count: 4_096)])
            }
        }
    }

    @Test(
        "grows under a reader, who is named once it is past its bound; without him it goes back to its bound")
    func reader() throws {
        let folder = Folder()
        let queue = try DatabaseQueue(path: folder.state)
        let wal = WriteAheadLog(database: folder.state, bytesMax: Self.bytesMax)
        try queue.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA journal_mode = WAL; CREATE TABLE t(x)")
            try wal.bound($0)
        }
        let reader = try OtherTransaction(folder.state, "BEGIN", reading: "t")
        try insert(queue, kilobytes: 100)
        // This process is the reader: it is known by standing still, from the second look on.
        #expect(try queue.writeWithoutTransaction { try wal.keep($0) } == nil)
        #expect(wal.heldBy.isEmpty)
        let notice = try queue.writeWithoutTransaction { try wal.keep($0) }
        guard case .grows(let name, let bytes)? = notice else {
            Issue.record("\(String(describing: notice))")
            return
        }
        #expect(name == "another program" && bytes > Self.bytesMax)
        #expect(wal.heldBy.hasPrefix("another program has been reading for ") && wal.wantsKeeping)
        #expect(try queue.writeWithoutTransaction { try wal.keep($0) } == nil, "told once")

        try reader.end()
        let after = try queue.writeWithoutTransaction { try wal.keep($0) }
        guard case .shrank? = after else {
            Issue.record("\(String(describing: after))")
            return
        }
        #expect(wal.bytes <= Self.bytesMax && wal.heldBy.isEmpty && !wal.wantsKeeping)
        #expect(try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM t") } == 100)
    }

    @Test("after one transaction larger than its bound it is cut at once")
    func large() throws {
        let folder = Folder()
        let queue = try DatabaseQueue(path: folder.state)
        let wal = WriteAheadLog(database: folder.state, bytesMax: Self.bytesMax)
        try queue.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA journal_mode = WAL; CREATE TABLE t(x)")
        }
        try queue.write { db in
            for _ in 0..<200 {
                try db.execute(sql: "INSERT INTO t VALUES (?)", arguments: [Data(count: 4_096)])
            }
        }
        #expect(wal.bytes > Self.bytesMax && wal.wantsKeeping)
        #expect(try queue.writeWithoutTransaction { try wal.keep($0) } == nil)
        #expect(wal.bytes <= Self.bytesMax)
    }
}
