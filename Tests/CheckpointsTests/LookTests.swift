import Foundation
import GRDB
import SQLiteFiles
import TestSupport
import Testing

@testable import Checkpoints

/// By somebody who may have no right to write.
@Suite("a state file that is only looked at", .ownThread)
struct LookTests {
    private let folder = Folder()

    private func open(_ folder: Folder) throws -> StateFile {
        try StateFile(path: folder.state, identity: StateFileRowsTests.identity)
    }

    private func delta(position: Int64, items: Range<Int32>, ratings: Int64 = 1) -> StateDelta {
        var delta = StateDelta()
        delta.positions = [0: position]
        delta.scalars = ["step": .integer(position)]
        delta.items = items.map { row in
            StoredItem(
                row: row, id: Data("i\(row)".utf8), title: Data(repeating: 0x41, count: 500), tags: [],
                available: true, users: 0, ratings: ratings, ratingSum: 0, lastEvent: nil)
        }
        return delta
    }

    /// The files of a daemon that runs, copied: some of it folded in, the rest in the log.
    private func copyOfOpen(seed: Int64) throws -> Folder {
        let (own, copy) = (Folder(), Folder())
        let file = try open(own)
        try file.write(delta(position: seed, items: 0..<40))
        _ = try file.keepWithinBounds(always: true)
        try file.write(delta(position: seed + 1, items: 0..<40, ratings: seed))
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: own.state + suffix, toPath: copy.state + suffix)
        }
        try file.close()
        return copy
    }

    private func files(_ folder: Folder) throws -> [String: Data] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).reduce(into: [:]) { files, name in
            files[name] = try Data(contentsOf: URL(filePath: "\(folder.path)/\(name)"))
        }
    }

    /// Calls `body` while the folder may only be read. Root may write it all the same, but nothing is to be written.
    private func untouched(_ folder: Folder, _ body: (String) throws -> Void) throws {
        let before = try files(folder)
        #expect(chmod(folder.path, 0o555) == 0)
        defer { #expect(chmod(folder.path, 0o755) == 0) }
        try body(folder.state)
        #expect(try files(folder) == before)
    }

    @Test("verify, and all else that only looks, writes nothing and leaves neither -wal nor -shm")
    func atRest() throws {
        let file = try open(folder)
        try file.write(delta(position: 3, items: 0..<20))
        try file.close()
        #expect(try Set(files(folder).keys) == ["state.sqlite"])
        try untouched(folder) { path in
            let found = try StateFile.verify(path: path)
            #expect(found.problems == [] && found.positions == [0: 3] && found.items == 20)
            #expect(try StateFile.summary(path: path).positions == [0: 3])
            #expect(try StateFile.positions(path: path) == [0: 3])
            #expect(try StateFile.scalar("step", path: path) == .integer(3))
            try StateFile.readVectors(path: path, of: .items, model: "none") { _ in }
            #expect(try StateFile.difference(path, path).tables.allSatisfy(\.isEqual))
        }
    }

    @Test("of a copied file and its log verify sees what the log alone has, and leaves both as they are")
    func copied() throws {
        let copy = try copyOfOpen(seed: 5)
        try untouched(copy) { path in
            let found = try StateFile.verify(path: path)
            #expect(found.problems == [] && found.positions == [0: 6])
            #expect(try StateFile.summary(path: path).positions == [0: 6])
            #expect(try StateFile.positions(path: path) == [0: 6])
            #expect(try StateFile.difference(path, path).tables.allSatisfy(\.isEqual))
        }
    }

    @Test("the log of another file beside a whole one is found, as it is by a daemon")
    func anothersLog() throws {
        let (copy, other) = (try copyOfOpen(seed: 5), try copyOfOpen(seed: 9))
        try Data(contentsOf: URL(filePath: other.state + "-wal"))
            .write(to: URL(filePath: copy.state + "-wal"))
        try untouched(copy) { path in
            #expect((try? StateFile.verify(path: path))?.problems.isEmpty != true)
        }
    }

    @Test("files are compared in whichever way each has to be read: rows of one, of the other, changed ones")
    func difference() throws {
        let file = try open(folder)
        try file.write(delta(position: 1, items: 0..<38))
        try file.close()
        let copy = try copyOfOpen(seed: 1)
        let queue = try DatabaseQueue(path: folder.state)
        try queue.write { try $0.execute(sql: "DELETE FROM items WHERE row = 4") }
        try queue.write {
            try $0.execute(sql: "UPDATE items SET checksum = checksum + 1 WHERE row IN (7, 20, 21)")
        }
        try queue.close()
        func items(_ first: String, _ second: String) throws -> StateDifference.TableRows? {
            try StateFile.difference(first, second).tables.first { $0.table == "items" }
        }
        let there = StateDifference.TableRows(table: "items", removed: 0, added: 3, changed: 3)
        let back = StateDifference.TableRows(table: "items", removed: 3, added: 0, changed: 3)
        #expect(try items(folder.state, copy.state) == there)
        #expect(try items(copy.state, folder.state) == back)
        let live = try open(folder)
        #expect(try items(folder.state, copy.state) == there)
        #expect(try items(copy.state, folder.state) == back)
        try live.close()
    }

    @Test("a file that may not be read is not called damaged, and what to do is said")
    func unreadable() {
        for code in [ResultCode.SQLITE_CANTOPEN, .SQLITE_READONLY_DIRECTORY, .SQLITE_READONLY_CANTINIT] {
            let error = StateFile.explainLook(DatabaseError(resultCode: code), path: "/x/state.sqlite")
            #expect(error.code == .unreadable)
            #expect(error.message.hasPrefix("'/x/state.sqlite' cannot be read"), "\(error)")
            #expect(error.message.contains("make it readable") && !error.message.contains("damaged"))
        }
        let damaged = StateFile.explainLook(DatabaseError(resultCode: .SQLITE_CORRUPT), path: "/x/y.sqlite")
        #expect(damaged.code == .damaged && damaged.message.contains("learned anew"))
        let missing = #expect(throws: StateError.self) {
            _ = try StateFile.summary(path: folder.path + "/nothing")
        }
        #expect(missing?.code == .notAState && missing?.message.contains("does not exist") == true)
    }

    @Test(
        "a copy to go back to is told from a state by where it lies",
        arguments: [
            ("/var/lib/f/generations/2026-11-26T105000Z-300.sqlite", "'/var/lib/f'"),
            ("/var/lib/f/./generations/a.sqlite", "'/var/lib/f'"), ("/generations/a.sqlite", "'/'"),
            ("generations/a.sqlite", "'\(FileManager.default.currentDirectoryPath)'"),
            ("/var/lib/f/state.sqlite", nil), ("/var/lib/f/generations/12.part", nil),
            ("/var/lib/generations/f/state.sqlite", nil),
        ] as [(String, String?)])
    func copies(path: String, folder: String?) {
        let remedy = StateFile.remedy(ofCopy: path)
        #expect(
            remedy
                == folder.map { "remove it, or take another one: freshet checkpoint list --folder \($0)" })
        let error = StateFile.damaged(path, "it is not what was written")
        #expect(error.message.contains("learned anew") == (folder == nil), "\(error)")
        let other = StateFile.explain(DatabaseError(resultCode: .SQLITE_NOTADB), path: path)
        #expect(other.message.contains("learned anew") == (folder == nil), "\(other)")
    }
}
