internal import Checkpoints
internal import Dispatch
internal import Engine
internal import EventLog
internal import Events
internal import Foundation
internal import Locking
internal import LookUps
internal import State

/// What was promised and not kept.
package struct Violation: Error, Sendable, Equatable, CustomStringConvertible {
    /// Index of the step after which it was seen; the number of steps where it was at the end.
    package var step: Int
    package var what: String

    package var description: String { "step \(step): \(what)" }
}

/// What befell an engine in a run.
package struct SimulationCounts: Sendable, Equatable {
    package var records = 0
    package var starts = 0
    package var crashes = 0
    package var diskFaults = 0
    package var checkpoints = 0
    package var checks = 0
    package var skipped = 0

    package init() {}

    package static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.records += right.records
        sum.starts += right.starts
        sum.crashes += right.crashes
        sum.diskFaults += right.diskFaults
        sum.checkpoints += right.checkpoints
        sum.checks += right.checks
        sum.skipped += right.skipped
        return sum
    }
}

/// Runs one script: the engine's threads are its own, and each waits at the log or at the disk until it is told to go on,
/// so that what happens, and in which order, is the script's. Confined to one thread.
package final class Simulation {
    let script: Script
    let flaw: PlantedFlaw?
    var setting: Setting
    let broker: SimulatedBroker
    var counts = SimulationCounts()
    /// Of the step that is under way.
    var step = 0
    var dice: Dice

    var disk = SimulatedDisk()
    var current: EngineLife?
    /// Of lives before this one, what still holds.
    var skipsBefore: [SkippedRecords] = []
    /// Next offsets that were said to be durable.
    var durable: [Int32: Int64] = [:]
    /// Digests that the state had when it was written, by where it stood.
    var digests: [[Int32: Int64]: String] = [:]
    var waits: [(token: Token, isOver: Lock<Bool>)] = []
    var undisturbed: UndisturbedRun?
    var plain: PlainModel
    /// Records that producers and clients have stored.
    var recordsStored = 0
    var outagePolls = 0
    var isSlow = false

    package init(_ script: Script, flaw: PlantedFlaw? = nil) {
        self.script = script
        self.flaw = flaw
        setting = script.setting
        broker = SimulatedBroker(partitions: script.setting.partitions, now: ScriptGenerator.beginning)
        dice = Dice(script.seed ^ 0xC4EC)
        plain = PlainModel(script.setting, signals: ScriptGenerator.signals)
        if setting.isDeterministic, setting.partitions == 1 {
            undisturbed = UndisturbedRun(setting, seed: script.seed)
        }
    }

    /// The first promise that is broken; `nil` where all are kept.
    package func run() -> Violation? {
        defer { abandon() }
        do throws(Violation) {
            if flaw == .syncOmitted { disk.omitSyncs() }
            try start(nil)
            for (index, step) in script.steps.enumerated() {
                self.step = index
                try take(step)
            }
            step = script.steps.count
            try end()
            return nil
        } catch {
            return error
        }
    }

    func violation(_ what: String) -> Violation { Violation(step: step, what: what) }

    var life: EngineLife {
        get throws(Violation) {
            guard let current else { throw violation("the engine is not there") }
            return current
        }
    }

    /// Records that are gone for the state as it stands.
    var skips: [SkippedRecords] { skipsBefore + (current?.log.skips ?? []) }

    // MARK: - Steps

    func take(_ step: Step) throws(Violation) {
        switch step {
        case .produce(let entry): produce(entry)
        case .feed(let entry, let fault): try feed(entry, fault)
        case .deliver(let count): try deliver(count)
        case .burst(let parts): try burst(parts)
        case .checkpoint(let plan): try checkpoint(plan)
        case .kill(let crash, let fault): try kill(crash, fault)
        case .restart: try restart()
        case .revoke(let partition): try revoke(Int32(partition))
        case .assign: try order(.assign)
        case .outage(let polls):
            outagePolls = polls
            try life.log.setReachable(false)
        case .clock(let jump): broker.setClock(by: jump)
        case .retain(let count): broker.retain(newest: count)
        case .refuseLetters(let times): try life.log.refuseFlushes(times)
        case .look: try checkAll()
        }
    }

    func produce(_ entry: Entry) {
        let (key, payload, isTombstone) = entry.record(setting.events)
        broker.append(
            SimulatedBroker.Record(
                key: Array(key.utf8), payload: payload, time: broker.now, isTombstone: isTombstone))
        recordsStored += 1
    }

    /// A client's way, with what it does when it does not know what became of its event.
    func feed(_ entry: Entry, _ fault: Step.AppendFault) throws(Violation) {
        guard let event = entry.event else { return produce(entry) }
        let answer = try append(event, fault)
        switch (fault, answer) {
        case (.none, .success(let token)): return try wait(for: token)
        case (.none, .failure(let error)): throw violation("an append was refused: \(error)")
        case (.none, nil): throw violation("an append was stored, and nobody was told")
        case (.refused, .failure(let error)):
            guard error.code == .overloaded else { throw violation("a full log was told as '\(error)'") }
            return
        case (.unknown, .failure(let error)):
            guard error.code == .unavailable else {
                throw violation("an unknown outcome was told as '\(error)'")
            }
        case (.unanswered, nil), (.lost, nil): break
        case (.unanswered, _), (.lost, _), (.unknown, _), (.refused, _):
            throw violation("an append that has no answer was answered")
        }
        // Whoever cannot say which event it is does not send it again.
        if entry.isRepeatable, case .success(let token)? = try append(event, .none) { try wait(for: token) }
    }

    /// `nil` where no answer is to come.
    func append(_ event: Event, _ fault: Step.AppendFault) throws(Violation) -> Result<
        Token, LookupError
    >? {
        let life = try life
        life.log.plan(fault)
        let answer = Lock<Result<Token, LookupError>?>(nil)
        let answered = DispatchSemaphore(value: 0)
        life.engine.append(event) { result in
            answer.withLock { $0 = result }
            answered.signal()
        }
        let (hasCome, token) = life.log.waitForAppend()
        guard hasCome else { throw violation("an append never reaches the log") }
        if token != nil { recordsStored += 1 }
        switch fault {
        case .unanswered, .lost: return nil
        case .none, .unknown, .refused:
            guard answered.wait(timeout: .now() + .seconds(SimulationLimits.hangSeconds)) == .success else {
                throw violation("an append is never answered")
            }
        }
        if case .success(let told)? = answer.withLock({ $0 }), told != token {
            throw violation(
                "an append was stored at \(token.map(\.description) ?? "nowhere") and told as \(told)")
        }
        return answer.withLock { $0 }
    }

    func wait(for token: Token) throws(Violation) {
        let isOver = Lock(false)
        waits.append((token, isOver))
        try life.engine.waitUntilLearned(token, timeout: .seconds(86_400)) { result in
            if case .success = result { isOver.withLock { $0 = true } }
        }
    }

    /// One poll, and what comes of it.
    func order(_ order: PollExchange.Order) throws(Violation) {
        let life = try life
        // An engine that stops at a gap makes durable what it has first, behind the checkpoint that is held.
        if isSlow, !setting.skipsGaps, hasGap(life) { return }
        life.log.exchange.order(order)
        guard life.log.exchange.waitForPoll() else { throw violation("the engine does not poll any more") }
        guard let error = life.failure.withLock({ $0 }) else { return }
        guard error.code == .gap, !setting.skipsGaps, hasGap(life) else {
            throw violation("the engine took no more from the log: \(error.message)")
        }
        // What the message says that a person may do.
        setting.skipsGaps = true
        try stop()
        try start(nil)
    }

    func hasGap(_ life: EngineLife) -> Bool {
        let positions = life.engine.whileLearningWaits { $0.positions }
        // A partition that was never seen begins with what there is, unless it was seen to be empty before.
        return (0..<Int32(broker.partitionCount)).contains {
            broker.extent($0).lowerBound > positions[$0] ?? 0
        }
    }

    func deliver(_ count: Int) throws(Violation) {
        // Before a gap is passed over what waits for memory is learned, and that waits for the checkpoint.
        if isSlow, setting.usersLeave, hasGap(try life) { return }
        if outagePolls > 0 {
            outagePolls -= 1
            if outagePolls == 0 { try life.log.setReachable(true) }
            return try order(.nothing)
        }
        try order(.deliver(count))
        try checkQuickly()
    }

    /// Several polls while the queue that learns is taken.
    func burst(_ parts: [Int]) throws(Violation) {
        // Of a partition that begins, or has a gap, the log asks the engine; that may not be while it is busy.
        try order(.deliver(0))
        // Once more, for the engine may have been started again over a gap.
        try order(.deliver(0))
        let life = try life
        var outcome: Result<Void, Violation> = .success(())
        life.engine.whileLearningWaits { _ in
            for part in parts {
                life.log.exchange.order(.deliver(part))
                guard life.log.exchange.waitForPoll() else {
                    outcome = .failure(violation("the engine does not poll while it learns"))
                    return
                }
            }
        }
        try outcome.get()
        try checkQuickly()
    }

    func revoke(_ partition: Int32) throws(Violation) {
        try order(.revoke(partition))
        let life = try life
        // Refused letters hold the checkpoint back, and the engine says so.
        guard life.log.deadLettersHeld == 0 else { return }
        for (partition, position) in life.log.takeRevoked() {
            durable[partition] = max(position, durable[partition] ?? 0)
        }
    }

    // MARK: - The end

    /// With all that was wrong set right, everything there is gets learned.
    func end() throws(Violation) {
        outagePolls = 0
        try life.log.setReachable(true)
        try life.log.refuseFlushes(0)
        try order(.assign)
        var polls = 0
        while try !isDone() {
            polls += 1
            guard polls < 10_000 else { throw violation("the engine never reaches the end of the log") }
            try order(.deliver(1_000))
            guard try life.engine.eventsWaiting > 0 else { continue }
            // Whoever may not leave memory before a checkpoint holds up the rest; after one that failed, for a second.
            try checkpoint(.sound)
            Thread.sleep(forTimeInterval: 0.01)
        }
        let ends = broker.ends.values.reduce(0, +)
        guard ends == recordsStored else {
            throw violation("\(recordsStored) records were to be stored, and the log has \(ends)")
        }
        counts.records = recordsStored
        counts.skipped = skips.reduce(0) { $0 + Int($1.to - $1.from) }
        try checkAll()
        try restart()
        try stop()
    }

    func isDone() throws(Violation) -> Bool {
        let positions = try life.engine.whileLearningWaits { $0.positions }
        return broker.ends.allSatisfy { partition, end in
            end == 0 || positions[partition] == end
                || broker.extent(partition).isEmpty && positions[partition] == nil
        }
    }

    // MARK: - For the checks

    /// Brings the plain model to where the engine stands.
    func follow(to positions: [Int32: Int64]) {
        if plain.positions.contains(where: { positions[$0.key] ?? 0 < $0.value }) {
            plain = PlainModel(setting, signals: ScriptGenerator.signals)
        }
        let (skips, models) = (skips, Set(setting.learners.map(\.rawValue)))
        for (partition, end) in positions.sorted(by: { $0.key < $1.key }) {
            while plain.positions[partition] ?? 0 < end {
                let offset = plain.positions[partition] ?? 0
                if let skip = skips.first(where: { $0.partition == partition && $0.from == offset }) {
                    plain.skip(skip)
                } else if let record = broker.record(partition, offset) {
                    let meaning = RecordMeaning(
                        record, signals: Set(ScriptGenerator.signals.keys), models: models)
                    plain.take(meaning, Token(partition: partition, offset: offset), logTime: record.time)
                } else {
                    return
                }
            }
        }
    }

    /// Those who waited for what is learned now have been told, and nobody else.
    func checkWaits(_ positions: [Int32: Int64]) throws(Violation) {
        for (token, isOver) in waits {
            let isLearned = token.offset < positions[token.partition] ?? 0
            let wasTold = isOver.withLock { $0 }
            if wasTold, !isLearned {
                throw violation("\(token) is not learned, and who waited for it was told so")
            }
            if isLearned, !wasTold {
                throw violation("\(token) is learned, and who waits for it was not told")
            }
        }
    }

    /// `nil` where the state is no function of the log alone.
    func undisturbedDigest(at positions: [Int32: Int64]) -> String? {
        guard let position = positions[0], undisturbed != nil else { return nil }
        undisturbed?.learn(to: position, broker, skips: skips)
        return undisturbed?.digest
    }

    func countCheck() { counts.checks += 1 }
}

/// What a checkpoint came to, for who waits for it.
final class CheckpointAnswer: Sendable {
    typealias Outcome = Result<[Int32: Int64], LookupError>
    let outcome = Lock<Outcome?>(nil)
    let isThere = DispatchSemaphore(value: 0)

    func put(_ outcome: Outcome) {
        self.outcome.withLock { $0 = outcome }
        isThere.signal()
    }

    func wait() -> Outcome? {
        _ = isThere.wait(timeout: .now() + .seconds(SimulationLimits.hangSeconds))
        return outcome.withLock { $0 }
    }
}

extension Step.Crash {
    var disk: SimulatedDisk.Crash {
        switch self {
        case .process: .process
        case .power(let seed): .power(seed)
        }
    }
}

extension Step.Fault {
    var disk: SimulatedDisk.Fault {
        switch self {
        case .ioError: .ioError
        case .full: .full
        case .syncLost: .syncLost
        }
    }
}

extension Step.StartFault {
    var planned: SimulatedDisk.Fault { fault?.disk ?? .stops }
}
