import Foundation
import GRDB
import TestSupport
import Testing

@testable import SQLiteFiles

@Suite("what a failure of SQLite means")
struct DatabaseFailureTests {
    @Test(
        "each code, plain and extended, is told apart by who has to do what",
        arguments: [
            (.SQLITE_READONLY, .readOnly), (.SQLITE_READONLY_DBMOVED, .readOnly),
            (.SQLITE_READONLY_DIRECTORY, .readOnly), (.SQLITE_PERM, .readOnly), (.SQLITE_IOERR, .disk),
            (.SQLITE_IOERR_WRITE, .disk), (.SQLITE_IOERR_FSYNC, .disk), (.SQLITE_IOERR_SHMMAP, .disk),
            (.SQLITE_FULL, .full), (.SQLITE_CANTOPEN, .cannotOpen), (.SQLITE_CANTOPEN_FULLPATH, .cannotOpen),
            (.SQLITE_BUSY, .locked), (.SQLITE_BUSY_RECOVERY, .locked), (.SQLITE_BUSY_SNAPSHOT, .locked),
            (.SQLITE_LOCKED, .locked), (.SQLITE_CORRUPT, .damaged), (.SQLITE_NOTADB, .damaged),
            (.SQLITE_MISUSE, .closed), (.SQLITE_CONSTRAINT, .other),
        ] as [(ResultCode, DatabaseFailure)])
    func codes(code: ResultCode, failure: DatabaseFailure) {
        #expect(DatabaseFailure(DatabaseError(resultCode: code)) == failure)
    }

    @Test("what a person can mend has a remedy")
    func remedies() {
        for failure in [DatabaseFailure.full, .readOnly, .cannotOpen, .disk, .locked] {
            #expect(failure.remedy(path: "/nowhere/state.sqlite")?.isEmpty == false)
        }
        #expect(DatabaseFailure.disk.remedy(path: "/x")?.contains("read-only") == true)
    }

    @Test("a file that SQLite may only read is told by its own words and code")
    func readOnly() throws {
        let folder = Folder()
        let queue = try DatabaseQueue(path: folder.state)
        try queue.write { try $0.execute(sql: "CREATE TABLE t(x)") }
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 1") }
        let error = #expect(throws: DatabaseError.self) {
            try queue.write { try $0.execute(sql: "INSERT INTO t VALUES (1)") }
        }
        #expect(error.map { DatabaseFailure($0) } == .readOnly)
        #expect(error.map { DatabaseFailure.words(of: $0) }?.contains("SQLite code 8") == true)
    }

    @Test("lines of /proc/locks are read; those that wait, or are of another kind, are passed over")
    func locks() {
        #expect(
            HeldLock("1: POSIX  ADVISORY  READ 4711 08:01:1048577 124 124")
                == HeldLock("7: POSIX  ADVISORY  READ  4711 fe:00:1048577 124 124"))
        let lock = HeldLock("12: POSIX  ADVISORY  WRITE 99 00:2f:5 120 EOF")
        #expect(lock?.isWrite == true && lock?.process == 99 && lock?.inode == 5)
        #expect(lock?.bytes.contains(.max) == true)
        for line in [
            "", "1: -> POSIX  ADVISORY  READ 4711 08:01:1 124 124",
            "2: FLOCK  ADVISORY  WRITE 1 08:01:1 0 EOF",
            "3: OFDLCK ADVISORY  READ -1 08:01:1 0 EOF", "4: POSIX ADVISORY READ x 08:01:1 0 EOF",
            "5: POSIX ADVISORY READ 7 08:01:1 9 3",
        ] {
            #expect(HeldLock(line) == nil, "\(line)")
        }
    }
}
