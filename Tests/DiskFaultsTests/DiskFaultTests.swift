import CDiskFaults
import Checkpoints
import EmbeddedEventLog
import Engine
import EngineSupport
import EventLog
import Events
import Factors
import Foundation
import Generations
import Locking
import LookUps
import State
import TestSupport
import Testing

/// A disk under one folder that fails by a seed, below SQLite.
private final class FailingDisk {
    static let kinds: [(name: String, kind: Int32)] = [
        ("read", Int32(DISK_FAULT_READ)), ("write", Int32(DISK_FAULT_WRITE)),
        ("full", Int32(DISK_FAULT_FULL)),
        ("short write", Int32(DISK_FAULT_SHORT_WRITE)), ("sync", Int32(DISK_FAULT_SYNC)),
        ("truncate", Int32(DISK_FAULT_TRUNCATE)), ("slow", Int32(DISK_FAULT_SLOW)),
    ]

    let prefix: String
    private var number: Int32 = -1

    /// Before any file of the folder is opened.
    init(_ folder: TestSupport.Folder) {
        // As SQLite names files: without links.
        prefix = URL(filePath: folder.path).resolvingSymlinksInPath().path
        disk_faults_install()
        number = disk_faults_set(prefix, 0, 0, 0)
        precondition(number >= 0)
    }

    var hits: Int { disk_faults_hits(number) }

    func fail(_ kinds: Int32, seed: UInt64, perMille: Int32) {
        _ = disk_faults_set(prefix, kinds, seed, perMille)
    }

    func mend() { _ = disk_faults_set(prefix, 0, 0, 0) }

    deinit { mend() }
}

@Suite("A disk that fails", .ownThread)
struct DiskFaultTests {
    private static let identity = StateIdentity(factors: 8, models: [:], source: "test")

    private func delta(_ step: Int) -> StateDelta {
        var delta = StateDelta()
        delta.positions = [0: Int64(step)]
        delta.scalars = ["step": .integer(Int64(step))]
        delta.items = (0..<40).map { row in
            StoredItem(
                row: Int32(row), id: Data("i\(row)".utf8),
                title: Data(repeating: UInt8(step % 100), count: 700),
                tags: [], available: true, users: 0, ratings: Int64(step), ratingSum: 0, lastEvent: nil)
        }
        return delta
    }

    @Test("a state file under any failure keeps the last checkpoint that it said was durable, whole")
    func checkpoints() throws {
        var hits = 0
        for seed in 0..<70 {
            let folder = TestSupport.Folder()
            let disk = FailingDisk(folder)
            var file: StateFile? = try StateFile(path: folder.state, identity: Self.identity)
            try file?.write(delta(0))
            var durable = 0
            disk.fail(
                FailingDisk.kinds[seed % 7].kind, seed: UInt64(seed), perMille: seed % 7 == 6 ? 20 : 60)
            for step in 1...8 {
                do throws(StateError) {
                    try file?.write(delta(step))
                    durable = step
                } catch {
                    #expect(error.code == .full || error.code == .unwritable, "\(error)")
                    #expect(error.message.contains(folder.state))
                }
                _ = try? file?.keepWithinBounds(always: true)
            }
            disk.mend()
            hits += disk.hits
            // It recovers by itself.
            if seed % 2 == 0 {
                try file?.write(delta(9))
                durable = 9
                try file?.close()
            }
            file = nil
            let found = try StateFile.verify(path: folder.state)
            #expect(found.problems == [], "seed \(seed)")
            // What failed only when it was made durable may be there all the same, as one whole.
            #expect(
                found.positions[0].map { $0 >= Int64(durable) } == true, "seed \(seed): \(found.positions)")
            #expect(found.scalars["step"] == .integer(found.positions[0] ?? -1), "seed \(seed)")
        }
        #expect(hits > 70)
    }

    @Test("a generation whose copy fails is none, and the ones there are stay")
    func generations() throws {
        var (made, failed) = (0, 0)
        for seed in 0..<35 {
            let folder = TestSupport.Folder()
            let disk = FailingDisk(folder)
            let file = try StateFile(path: folder.state, identity: Self.identity)
            for step in 0..<3 { try file.write(delta(step)) }
            try file.close()
            let generations = GenerationFolder(of: folder.state)
            let first = try #require(try generations.make())
            disk.fail(FailingDisk.kinds[seed % 7].kind, seed: UInt64(seed), perMille: 30)
            do {
                _ = try generations.make()
                made += 1
            } catch {
                failed += 1
            }
            disk.mend()
            #expect(generations.all.contains(first))
            for generation in generations.all {
                #expect(try StateFile.verify(path: generation.path).problems == [])
            }
        }
        #expect(made > 0 && failed > 5, "\(made) \(failed)")
    }

    @Test(
        "an engine on a disk that fails answers, says so, recovers and has lost nothing",
        arguments: [0, 1, 2])
    func engine(seed: UInt64) async throws {
        let folder = TestSupport.Folder()
        let disk = FailingDisk(folder)
        var options = smallOptions()
        options.state.deterministic = true
        options.generations.interval = .zero
        let live = try LiveEngine(options, in: folder)
        let all = events(1_200, seed: 50 + seed)
        try await live.feedInOrder(Array(all[..<300]))
        let kinds = FailingDisk.kinds.dropFirst().reduce(0) { $0 | $1.kind }
        disk.fail(kinds, seed: seed, perMille: 80)
        var (refused, failed) = (0, 0)
        for (index, event) in all[300...].enumerated() {
            // A client repeats what was refused.
            while true {
                do {
                    _ = try await live.append(event)
                    break
                } catch {
                    refused += 1
                    #expect(!"\(error)".isEmpty)
                }
            }
            guard index % 60 == 0 else { continue }
            do { try await live.checkpoint() } catch { failed += 1 }
            _ = try live.engine.recommend(RecommendQuery(user: id("u1")))
        }
        #expect(refused > 0, "appends met with failures")
        if failed > 0 { #expect(live.status("checkpoint.failed") != .integer(0)) }
        #expect(disk.hits > 20)
        disk.mend()
        try await live.checkpoint()
        #expect(live.status("checkpoint.last-error") == .text(""))
        let last = Event(.rating(user: id("last"), item: id("i1"), value: 3), time: 9_000_000)
        try await live.wait(for: live.append(last))
        #expect(live.failure.withLock { $0 } == nil)
        let digest = try live.engine.digest().digest
        let end = try live.engine.digest().positions[0]
        try live.stop()
        #expect(try StateFile.verify(path: folder.state).problems == [])
        // The log says what came; an engine that learns it undisturbed ends in the same digest.
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: folder.state + suffix)
        }
        let again = try LiveEngine(options, in: folder)
        try await again.wait(for: Token(partition: 0, offset: (end ?? 0) - 1))
        #expect(try again.engine.digest().digest == digest)
        try again.stop()
    }
}
