internal import Checkpoints
internal import Dispatch
internal import Engine
internal import EventLog
internal import Events
internal import Foundation
internal import Locking
internal import LookUps
internal import State

/// Checkpoints, whole and torn, and what has to be left of them.
extension Simulation {
    func checkpoint(_ plan: Step.DiskPlan) throws(Violation) {
        let life = try life
        guard !isSlow else { return }
        noteDigest(life)
        counts.checkpoints += 1
        switch plan {
        case .sound: break
        case .fails(let fault, let after, let count): disk.plan(fault.disk, after: after, count: count)
        case .stops(let after, let within, _, _): disk.plan(within ? .stopsWithin : .stops, after: after)
        case .slow(let after, _): disk.hold(after: after)
        }
        let written = CheckpointAnswer()
        let pending = flaw == .positionsFirst ? life.engine.whileLearningWaits { $0.positions } : [:]
        life.engine.checkpoint { [disk] outcome in
            written.put(outcome)
            disk.wake()
        }
        if case .slow(_, let steps) = plan {
            isSlow = true
            defer { isSlow = false }
            if disk.waitUntilHeld() {
                for step in steps { try take(step) }
            }
            disk.letGo()
        }
        guard let outcome = written.wait() else { throw violation("a checkpoint never ends") }
        life.engine.waitForFiles()
        try end(plan, outcome, pending: pending)
    }

    func end(
        _ plan: Step.DiskPlan, _ outcome: Result<[Int32: Int64], LookupError>, pending: [Int32: Int64]
    ) throws(Violation) {
        if case .success(let positions) = outcome { durable.merge(positions) { max($0, $1) } }
        switch plan {
        case .sound, .slow:
            let held = try life.log.deadLettersHeld
            if case .failure(let error) = outcome, held == 0 {
                throw violation("a checkpoint failed on a sound disk: \(error)")
            }
        case .fails:
            if disk.hasFailed { counts.diskFaults += 1 }
            disk.plan(nil)
            try checkQuickly()
        case .stops(_, _, let crash, let fault):
            crashNow(crash)
            if flaw == .positionsFirst { savePositions(pending) }
            try start(fault)
        }
    }

    func savePositions(_ positions: [Int32: Int64]) {
        let rows = positions.map { "(\($0.key), \($0.value))" }.joined(separator: ", ")
        guard !rows.isEmpty else { return }
        disk.executeUnseen("INSERT OR REPLACE INTO positions(partition, next_offset) VALUES \(rows)")
    }

    func noteDigest(_ life: EngineLife) {
        if flaw == .forgetUnsaved {
            _ = disk.execute(
                "CREATE TRIGGER IF NOT EXISTS keep BEFORE DELETE ON users BEGIN SELECT raise(IGNORE); END")
        }
        // In idle time that model goes on without events.
        guard setting.isDeterministic || !setting.learners.contains(.solved) else { return }
        let (positions, digest) = life.engine.whileLearningWaits { ($0.positions, $0.digest()) }
        digests[positions] = digest
    }
}
