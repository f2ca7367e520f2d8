internal import Checkpoints
internal import Dispatch
internal import Engine
internal import EventLog
internal import Events
internal import Foundation
internal import Locking
internal import LookUps
internal import State

/// How an engine begins, and how it ends.
extension Simulation {
    func start(_ fault: Step.StartFault?) throws(Violation) {
        var fault = fault
        while true {
            counts.starts += 1
            if let fault { disk.plan(fault.planned, after: fault.after, count: fault.fault == nil ? 1 : 2) }
            if let opened = try open(expectsFault: fault != nil), try begin(opened), !disk.isStopped {
                disk.plan(nil)
                return try checkRestored()
            }
            guard let met = fault, disk.hasFailed else {
                throw violation("the engine does not start on a sound disk")
            }
            counts.diskFaults += 1
            crashNow(met.crash)
            fault = nil
        }
    }

    func open(expectsFault: Bool) throws(Violation) -> EngineLife? {
        do throws(StateError) {
            return try EngineLife(setting, disk: disk, broker: broker, flaw: flaw)
        } catch {
            guard expectsFault, disk.hasFailed else {
                throw violation("the state does not open: \(error.message)")
            }
            return nil
        }
    }

    func begin(_ opened: EngineLife) throws(Violation) -> Bool {
        current = opened
        waits = []
        guard opened.start() else { throw violation("the log's thread does not poll") }
        return true
    }

    /// What is there after a start has to be what was there before, or what was promised of it.
    func checkRestored() throws(Violation) {
        let restored = try life.engine.whileLearningWaits { $0.positions }
        for (partition, position) in durable.sorted(by: { $0.key < $1.key })
        where restored[partition] ?? 0 < position {
            throw violation(
                "partition \(partition) was durable up to \(position), and stands at \(restored[partition] ?? 0) after the "
                    + "restart")
        }
        for (partition, position) in broker.committed.sorted(by: { $0.key < $1.key })
        where restored[partition] ?? 0 < position {
            throw violation(
                "the log was told that partition \(partition) is durable up to \(position), and it stands at "
                    + "\(restored[partition] ?? 0) after the restart")
        }
        durable = restored
        // What was learned before a kill, and lost with it, may have gone from the log since.
        if let stands = undisturbed?.position, stands > restored[0] ?? 0 {
            undisturbed = UndisturbedRun(setting, seed: script.seed)
        }
        skipsBefore = skipsBefore.filter { restored[$0.partition] ?? 0 >= $0.to }
        if let digest = digests[restored] {
            let found = try life.engine.whileLearningWaits { $0.digest() }
            guard found == digest else {
                throw violation(
                    "the state at \(restored) has the digest \(found), and had \(digest) when it was saved")
            }
        }
        // What is learned once more from here on may be learned without records that have gone since.
        if setting.skipsGaps { digests = digests.filter { $0.key == restored } }
        try checkAll()
    }

    /// Ends the process, or the machine, as it is.
    func crashNow(_ crash: Step.Crash) {
        counts.crashes += 1
        let image = disk.crash(crash.disk)
        if let current {
            skipsBefore += current.log.skips
            current.log.cut()
            // Of what it still tries nothing reaches disk or log.
            try? current.engine.stop()
        }
        current = nil
        disk.release()
        disk = image
        if flaw == .syncOmitted { disk.omitSyncs() }
        if flaw == .duplicatesForgotten {
            disk.executeUnseen("DELETE FROM scalars WHERE name LIKE 'recent.%'")
        }
    }

    func kill(_ crash: Step.Crash, _ fault: Step.StartFault?) throws(Violation) {
        crashNow(crash)
        try start(fault)
    }

    func restart() throws(Violation) {
        let before = try stop()
        try start(nil)
        let after = try life.engine.whileLearningWaits { $0.positions }
        guard before == after else {
            throw violation("stopped in good order at \(before), and started again at \(after)")
        }
    }

    /// In good order; where it stood.
    @discardableResult
    func stop() throws(Violation) -> [Int32: Int64] {
        let life = try life
        life.log.refuseFlushes(0)
        life.log.setReachable(true)
        life.log.exchange.order(.runFreely)
        do throws(StateError) { try life.engine.stop() } catch {
            throw violation("cannot stop on a sound disk: \(error.message)")
        }
        let positions = life.engine.whileLearningWaits { $0.positions }
        skipsBefore += life.log.skips
        current = nil
        follow(to: positions)
        for number in 0..<Self.idsMax where plain.users[Entry.userID(number)] == nil {
            guard !disk.holds(Entry.userID(number)) else {
                throw violation("\(Entry.userID(number)) is forgotten, and stands in the file")
            }
        }
        return positions
    }

    func abandon() {
        if current != nil { crashNow(.process) }
        disk.release()
    }

    /// Ids that scripts have, and one more that nobody has.
    static let idsMax = 41
}
