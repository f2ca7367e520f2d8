package import Checkpoints
internal import Dispatch
internal import Foundation
internal import KillPoints
internal import Locking
package import Logging
internal import State

/// How many generations stay, and how often there is one.
public struct GenerationOptions: Sendable, Equatable {
    /// 0 for none.
    public var count = 3
    public var interval: Duration = .seconds(3600)

    public init() {}
}

/// Makes generations of a daemon's state, and erases from them who is forgotten: on a queue of its own, behind checkpoints,
/// with nobody waiting for it.
///
/// What is copied is the file as the last checkpoint left it, on a connection of its own. Two things never touch one
/// generation at once, because all that makes, changes or removes one runs on that queue.
package final class GenerationKeeper: Sendable {
    package struct Report: Sendable {
        package var count = 0
        package var bytes: Int64 = 0
        package var newest: Generation?
        /// Of this run: made, and not made though it was time.
        package var made = 0
        package var failed = 0
        package var lastError: String?
        package var lastDuration: Duration = .zero
        /// Users who are still to be erased.
        package var erasing = 0
        package var erased = 0
    }

    private struct Schedule {
        var due: ContinuousClock.Instant
        var isUnderway = false
        var mayHaveErasures = true
        /// There was a checkpoint since the newest generation.
        var isBehind: Bool
        var isStopped = false
        var options: GenerationOptions
    }

    /// Beside a copy so much of the disk stays free, for checkpoints and the log.
    private static let spareBytes: Int64 = 256 << 20

    private let file: StateFile
    private let rules: ErasureRules
    private let logger: Logger
    private let queue = DispatchQueue(label: "freshet.generations", qos: .utility)
    private let schedule: Lock<Schedule>
    private let latest = Lock(Report())

    package init(
        of file: StateFile, rules: ErasureRules, options: GenerationOptions, logger: Logger
    ) {
        (self.file, self.rules, self.logger) = (file, rules, logger)
        // A restart does not put the next one off, nor does it bring one.
        let newest = GenerationFolder(of: file.path).all.first
        let wait =
            newest.map { options.interval - .seconds(max(0, Self.now - $0.time)) } ?? options.interval / 4
        let positions = try? StateFile.positions(path: file.path)
        schedule = Lock(
            Schedule(
                due: .now + min(max(wait, .zero), options.interval),
                isBehind: newest?.isAt(positions ?? [:]) != true, options: options))
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970) }

    package var report: Report { latest.withLock { $0 } }

    /// Where the state's file is now: it may have been moved.
    private var folder: GenerationFolder { GenerationFolder(of: file.path) }

    package func change(to options: GenerationOptions) {
        schedule.withLock { schedule in
            guard schedule.options != options else { return }
            schedule.due = min(schedule.due, .now + options.interval)
            schedule.options = options
        }
    }

    /// A checkpoint has ended. Returns at once; from any thread, as does `look`.
    ///
    /// - Parameter erases: it told somebody's erasure.
    package func checkpointed(erases: Bool) {
        schedule.withLock { schedule in
            schedule.isBehind = true
            if erases { schedule.mayHaveErasures = true }
        }
        look()
    }

    /// Begins what there is to do, if it is time.
    package func look() {
        let begins = schedule.withLock { schedule in
            guard !schedule.isUnderway, !schedule.isStopped else { return false }
            schedule.isUnderway = schedule.mayHaveErasures || isDue(schedule)
            return schedule.isUnderway
        }
        if begins { queue.async { [self] in work() } }
    }

    private func isDue(_ schedule: Schedule) -> Bool {
        schedule.options.count > 0 && schedule.isBehind && schedule.due <= .now
    }

    /// Whatever copy is being made is given up; none is begun any more. Returns once nothing of this is under way, and whoever
    /// was forgotten is erased.
    package func stop() {
        let erases = schedule.withLock { schedule in
            schedule.isStopped = true
            return schedule.mayHaveErasures
        }
        queue.sync { if erases { eraseForgotten() } }
    }

    /// Calls `body` while nothing is read of the state's file, and no copy made.
    package func pausing<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) {
        let wasStopped = schedule.withLock { schedule in
            defer { schedule.isStopped = true }
            return schedule.isStopped
        }
        defer { schedule.withLock { $0.isStopped = wasStopped } }
        let outcome: Result<Void, Failure> = queue.sync {
            Result { () throws(Failure) in try body() }
        }
        try outcome.get()
    }

    // MARK: - On the queue

    private func work() {
        ThreadPriority.yieldToLookUps()
        if schedule.withLock({ isDue($0) }) { make() }
        eraseForgotten()
        count()
        schedule.withLock { $0.isUnderway = false }
    }

    private func make() {
        let options = schedule.withLock { schedule in
            schedule.due = .now + schedule.options.interval
            schedule.isBehind = false
            return schedule.options
        }
        let (start, folder) = (ContinuousClock.now, folder)
        do throws(StateError) {
            folder.removeParts()
            try requireRoom(folder)
            let made = try folder.make(now: Self.now) { part throws(StateError) in
                try file.copy(to: part) { !schedule.withLock { $0.isStopped } }
            }
            guard let made else { return }
            KillPoint.generationNamed.reach()
            folder.prune(keeping: options.count)
            let duration = start.duration(to: .now)
            latest.withLock { report in
                report.made += 1
                report.lastError = nil
                report.lastDuration = duration
            }
            logger.info(
                "generation made",
                metadata: ["name": "\(made.name)", "bytes": "\(made.bytes)", "took": "\(duration)"])
        } catch {
            schedule.withLock { $0.isBehind = true }
            latest.withLock { report in
                report.failed += 1
                report.lastError = error.message
            }
            logger.error("no generation was made; the next one tries again", metadata: ["error": "\(error)"])
        }
    }

    /// A copy must not take the room that checkpoints and the log need.
    private func requireRoom(_ folder: GenerationFolder) throws(StateError) {
        var (system, status) = (statvfs(), stat())
        guard stat(folder.statePath, &status) == 0, statvfs(folder.statePath, &system) == 0 else { return }
        let free = Int64(clamping: UInt64(system.f_bavail) * UInt64(system.f_frsize))
        let wanted = Int64(status.st_size) + Self.spareBytes
        guard free < wanted else { return }
        throw StateError(
            .full,
            "'\(folder.path)' has no room for another copy of the state: \(free >> 20) MiB are free, "
                + "\(wanted >> 20) MiB are wanted; free some, or lower checkpoint.keep")
    }

    /// Out of all generations; whoever cannot be erased from one takes that one along.
    private func eraseForgotten() {
        schedule.withLock { $0.mayHaveErasures = false }
        do throws(StateError) {
            let forgotten = try file.pendingErasures()
            guard !forgotten.isEmpty else { return }
            latest.withLock { $0.erasing = forgotten.count }
            for generation in folder.all { try erase(forgotten, from: generation) }
            KillPoint.erasureDone.reach()
            try file.endErasures(forgotten)
            latest.withLock { report in
                report.erasing = 0
                report.erased += forgotten.count
            }
        } catch {
            schedule.withLock { $0.mayHaveErasures = true }
            latest.withLock { $0.lastError = error.message }
            logger.error(
                "forgotten users still stand in generations; trying again with the next checkpoint",
                metadata: ["error": "\(error)"])
        }
    }

    private func erase(_ forgotten: Set<ErasedID>, from generation: Generation) throws(StateError) {
        do throws(StateError) {
            // Other models count by rules that are not known here.
            guard try StateFile.summary(path: generation.path, identity: file.identity).problems.isEmpty
            else {
                throw StateError(.damaged, "'\(generation.path)' is damaged")
            }
            let count = try StateFile.erase(forgotten, fromCopy: generation.path) { user in
                try rules.counts(of: user)
            }
            guard count > 0 else { return }
            logger.info(
                "forgotten users erased from a generation",
                metadata: ["name": "\(generation.name)", "users": "\(count)"])
        } catch {
            switch error.code {
            case .damaged, .mismatch, .notAState, .newerSchema:
                folder.remove(generation)
                logger.warning(
                    "a generation is removed, because forgotten users cannot be erased from it",
                    metadata: ["name": "\(generation.name)", "error": "\(error)"])
            case .unwritable, .unreadable, .full, .locked: throw error
            }
        }
    }

    private func count() {
        let folder = folder
        latest.withLock { report in
            let all = folder.all
            (report.count, report.newest) = (all.count, all.first)
            report.bytes = all.reduce(0) { $0 + $1.bytes }
        }
    }
}
