import Checkpoints
import EngineSupport
import Foundation
import GRDB
import State
import TestSupport
import Testing

@testable import Generations

@Suite("The folder of generations", .ownThread)
struct GenerationFolderTests {
    private func state(_ count: Int, in folder: TestSupport.Folder) throws -> GenerationFolder {
        let state = learned(batches(events(count), sizes: [100]), smallOptions())
        try StateFile(path: folder.state, identity: twoIdentity).write(state.collectChanges())
        return GenerationFolder(of: folder.state)
    }

    private func copy(_ folder: GenerationFolder, at now: Int64) throws -> Generation? {
        try folder.make(now: now) { part throws(StateError) in
            try StateFile.durableCopy(of: folder.statePath, to: part)
            return true
        }
    }

    @Test("a generation is named by its time and positions, and known again by that name alone")
    func names() throws {
        let folder = TestSupport.Folder()
        let generations = try state(300, in: folder)
        let made = try #require(try copy(generations, at: 1_795_690_200))
        #expect(made.name == "2026-11-26T105000Z-300")
        #expect(generations.all == [made] && generations.generation(named: "newest") == made)
        for other in ["x.sqlite", "2026-13-26T103000Z-300.sqlite", "2026-11-26T103000Z.sqlite", "1.part"] {
            _ = FileManager.default.createFile(atPath: "\(generations.path)/\(other)", contents: Data())
        }
        #expect(generations.all == [made])
    }

    @Test("it is one file, whole, with what the state had; and the oldest go first")
    func kept() throws {
        let folder = TestSupport.Folder()
        let generations = try state(300, in: folder)
        for now in [10, 30, 20, 40] { _ = try copy(generations, at: Int64(now)) }
        generations.prune(keeping: 2)
        #expect(generations.all.map(\.time) == [40, 30])
        let files = try FileManager.default.contentsOfDirectory(atPath: generations.path)
        #expect(files.count == 2, "\(files)")
        let first = try StateFile.verify(path: generations.all[0].path)
        #expect(first.problems == [] && first.positions == [0: 300])
        #expect(try StateFile.difference(generations.all[0].path, folder.state).tables.allSatisfy(\.isEqual))
        #expect(try FileManager.default.contentsOfDirectory(atPath: generations.path) == files)
    }

    @Test("a copy that is no longer wanted, or was cut off, is none")
    func interrupted() throws {
        let folder = TestSupport.Folder()
        let generations = try state(2_000, in: folder)
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        // At each step that there is.
        for steps in 0..<4 {
            var left = steps
            let made = try generations.make(now: 50) { part throws(StateError) in
                try file.copy(to: part) {
                    left -= 1
                    return left >= 0
                }
            }
            guard made == nil else { break }
            #expect(try FileManager.default.contentsOfDirectory(atPath: generations.path) == [])
        }
        // As a kill leaves it.
        try Data(count: 5_000).write(to: URL(filePath: "\(generations.path)/60.part"))
        #expect(generations.all.isEmpty || generations.all.map(\.time) == [50])
        generations.removeParts()
        #expect(!FileManager.default.fileExists(atPath: "\(generations.path)/60.part"))
    }

    @Test("a state that is damaged gives no generation, and says so")
    func damagedState() throws {
        let folder = TestSupport.Folder()
        let generations = try state(300, in: folder)
        try DatabaseQueue(path: folder.state).write {
            try $0.execute(sql: "UPDATE users SET ratings = ratings + 1 WHERE row = 2")
        }
        let error = #expect(throws: StateError.self) { _ = try copy(generations, at: 70) }
        #expect(error?.code == .damaged)
        #expect(generations.all == [])
        #expect(try FileManager.default.contentsOfDirectory(atPath: generations.path) == [])
    }

    @Test("going back keeps a whole state as a generation, and moves a damaged one aside")
    func goingBack() throws {
        let folder = TestSupport.Folder()
        let generations = try state(300, in: folder)
        let old = try #require(try copy(generations, at: 80))
        try FileManager.default.removeItem(atPath: folder.state)
        _ = try state(700, in: folder)
        let first = try generations.restore(old)
        #expect(first.positions == [0: 300] && first.damagedAt == nil)
        #expect(try StateFile.positions(path: folder.state) == [0: 300])
        let kept = try generations.generation(named: #require(first.kept))
        #expect(try StateFile.positions(path: #require(kept).path) == [0: 700])
        try DatabaseQueue(path: folder.state).write { try $0.execute(sql: "DELETE FROM users WHERE row = 2") }
        let second = try generations.restore(#require(kept))
        #expect(second.kept == nil && second.damagedAt == generations.damagedPath)
        #expect(try StateFile.verify(path: folder.state).problems == [])
        #expect(try StateFile.positions(path: folder.state) == [0: 700])
        #expect(FileManager.default.fileExists(atPath: generations.damagedPath))
    }

    @Test("a damaged generation is not gone back to, and the next one is the newest that is whole")
    func damagedGeneration() throws {
        let folder = TestSupport.Folder()
        let generations = try state(300, in: folder)
        let old = try #require(try copy(generations, at: 80))
        let newer = try #require(try copy(generations, at: 90))
        try DatabaseQueue(path: newer.path).write {
            try $0.execute(sql: "UPDATE items SET title = 'other' WHERE row = 1")
        }
        #expect(throws: StateError.self) { _ = try generations.restore(newer) }
        #expect(generations.newestWhole == old)
        #expect(WayBack.text(from: folder.state)?.contains("freshet checkpoint restore \(old.name)") == true)
    }

    @Test(
        "of a damaged generation it is said to take another one; of a damaged state, what it is learned from")
    func adviceOnDamage() throws {
        let folder = TestSupport.Folder()
        let generations = try state(300, in: folder)
        let made = try #require(try copy(generations, at: 80))
        let garbage = Data("this was a database before the disk forgot what stood in it".utf8)
        for path in [made.path, folder.state] { try garbage.write(to: URL(filePath: path)) }
        let ofCopy = #expect(throws: StateError.self) { _ = try generations.restore(made) }
        #expect(ofCopy?.code == .damaged)
        #expect(
            ofCopy?.message.hasSuffix("freshet checkpoint list --folder '\(folder.path)'") == true,
            "\(ofCopy?.message ?? "")")
        #expect(ofCopy?.message.contains("learned anew") == false)
        let ofState = #expect(throws: StateError.self) { _ = try StateFile.verify(path: folder.state) }
        #expect(ofState?.code == .damaged && ofState?.message.contains("learned anew") == true)
    }

    @Test("what is not yet erased from copies is remembered over a restore")
    func pendingErasures() throws {
        let folder = TestSupport.Folder()
        let generations = try state(300, in: folder)
        let old = try #require(try copy(generations, at: 80))
        let erased = Set([Data("u1".utf8).withUnsafeBytes { ErasedID($0, events: 1 << 40) }])
        var delta = StateDelta()
        delta.erasures = Array(erased)
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        // Whom the events forget beside.
        let all = try file.pendingErasures().union(erased)
        try file.write(delta)
        try file.close()
        #expect(try StateFile(path: folder.state, identity: twoIdentity).pendingErasures() == all)
        _ = try generations.restore(old)
        #expect(try StateFile(path: folder.state, identity: twoIdentity).pendingErasures() == all)
    }

    @Test("a file of an earlier version is copied before it is changed, and the copy can be gone back to")
    func beforeMigration() throws {
        let folder = TestSupport.Folder()
        let generations = try state(300, in: folder)
        try DatabaseQueue(path: folder.state).write { try $0.execute(sql: beforeChecksums) }
        var made: Generation?
        _ = try StateFile(path: folder.state, identity: twoIdentity) { made = try? generations.make() }
        #expect(try StateFile.verify(path: #require(made).path).schemaVersion == 5)
        #expect(try StateFile.verify(path: folder.state).schemaVersion == 6)
        var calls = 0
        _ = try StateFile(path: folder.state, identity: twoIdentity) { calls += 1 }
        #expect(calls == 0)
        _ = try generations.restore(#require(made))
        #expect(try StateFile.verify(path: folder.state).schemaVersion == 5)
    }
}
