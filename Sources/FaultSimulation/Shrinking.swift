/// Makes a script that fails smaller, as long as it fails.
package struct Shrinking {
    /// Runs at most.
    private static let runsMax = 600

    private let flaw: PlantedFlaw?
    private var best: Script
    private var violation: Violation
    private var runs = 0

    private init(_ script: Script, _ violation: Violation, flaw: PlantedFlaw?) {
        (best, self.violation, self.flaw) = (script, violation, flaw)
    }

    /// The smallest script that was found, and what it shows.
    package static func shrink(_ script: Script, _ violation: Violation, flaw: PlantedFlaw? = nil) -> (
        Script, Violation
    ) {
        var shrinking = Self(script, violation, flaw: flaw)
        shrinking.cutTail()
        shrinking.leaveOut()
        shrinking.simplify()
        shrinking.leaveOut()
        return (shrinking.best, shrinking.violation)
    }

    /// Takes over a smaller script if it fails too.
    private mutating func attempt(_ script: Script) -> Bool {
        guard script != best, runs < Self.runsMax else { return false }
        runs += 1
        guard let found = Simulation(script, flaw: flaw).run() else { return false }
        (best, violation) = (script, found)
        return true
    }

    private mutating func cutTail() {
        var shorter = best
        shorter.steps = Array(best.steps.prefix(violation.step + 1))
        _ = attempt(shorter)
    }

    /// Parts of the steps, halves first (Zeller and Hildebrandt 2002).
    private mutating func leaveOut() {
        var length = max(1, best.steps.count / 2)
        while true {
            var start = 0
            while start < best.steps.count {
                var without = best
                without.steps.removeSubrange(start..<min(without.steps.count, start + length))
                if !attempt(without) { start += length }
            }
            guard length > 1 else { return }
            length /= 2
        }
    }

    /// Each step as it would be if less went wrong.
    private mutating func simplify() {
        for index in best.steps.indices {
            for simpler in best.steps[index].simpler {
                var script = best
                script.steps[index] = simpler
                if attempt(script) { break }
            }
        }
        for learner in best.setting.learners where best.setting.learners.count > 1 {
            var script = best
            script.setting.learners.removeAll { $0 == learner }
            _ = attempt(script)
        }
        let plain = Setting()
        let changes: [(inout Setting) -> Void] = [
            { $0.learners = plain.learners }, { $0.usesContent = false }, { $0.usersLeave = false },
            { $0.historyMax = plain.historyMax },
            { $0.usersMax = 0 }, { $0.itemsMax = 0 }, { $0.batchMax = plain.batchMax },
            { $0.queueMax = plain.queueMax }, { $0.shards = 1 }, { $0.retainsNothing = false },
        ]
        for change in changes {
            var script = best
            change(&script.setting)
            _ = attempt(script)
        }
    }
}

extension Step {
    /// Simplest first.
    fileprivate var simpler: [Step] {
        switch self {
        case .checkpoint(.slow(_, let steps)): [.checkpoint(.sound)] + (steps.count == 1 ? [steps[0]] : [])
        case .checkpoint(.stops(_, _, let crash, let fault)):
            [.checkpoint(.sound), .kill(.process, nil), .kill(crash, nil), .kill(crash, fault)]
        case .checkpoint(.fails): [.checkpoint(.sound)]
        case .kill(_, .some): [.restart, .kill(.process, nil)]
        case .kill: [.restart, .kill(.process, nil)]
        case .feed(let entry, let fault):
            fault == .none ? [.produce(entry)] : [.produce(entry), .feed(entry, .none)]
        case .burst(let parts): [.deliver(parts.reduce(0, +))]
        default: []
        }
    }
}

// MARK: - As text

extension Script: CustomStringConvertible {
    package var description: String {
        var lines = ["seed \(seed); \(setting)"]
        for (number, step) in steps.enumerated() { lines.append("  \(number): \(step)") }
        return lines.joined(separator: "\n")
    }
}

extension Setting: CustomStringConvertible {
    package var description: String {
        let plain = Setting()
        var words = [
            "\(partitions) partitions", "\(shards) shards", isDeterministic ? "deterministic" : "free",
            "models \(learners.map(\.rawValue).joined(separator: " "))", "batches of \(batchMax)",
            "a window of \(duplicatesWindow)",
        ]
        if historyMax != plain.historyMax { words.append("histories of \(historyMax)") }
        if usersMax > 0 { words.append("\(usersMax) users at most") }
        if itemsMax > 0 { words.append("\(itemsMax) items at most") }
        if usesContent { words.append("vectors of tags") }
        if usersLeave { words.append("users leave memory") }
        if queueMax != plain.queueMax { words.append("\(queueMax) events wait at most") }
        words.append(skipsGaps ? "gaps are skipped" : "gaps stop it")
        if retainsNothing { words.append("the log keeps nothing that is durable") }
        return words.joined(separator: ", ")
    }
}

extension Step: CustomStringConvertible {
    package var description: String {
        switch self {
        case .produce(let entry): "produce \(entry)"
        case .feed(let entry, let fault): "feed \(entry)" + (fault == .none ? "" : ", answer: \(fault)")
        case .deliver(let count): "deliver up to \(count)"
        case .burst(let parts): "deliver \(parts) while it learns"
        case .checkpoint(let plan): "checkpoint: \(plan)"
        case .kill(let crash, let fault):
            "kill: \(crash)" + (fault.map { ", then at the start: \($0)" } ?? "")
        case .restart: "restart"
        case .revoke(let partition): "revoke partition \(partition)"
        case .assign: "assign"
        case .outage(let polls): "broker gone for \(polls) polls"
        case .clock(let jump): "clock set by \(jump / 1_000) s"
        case .retain(let count): "log keeps the last \(count)"
        case .refuseLetters(let times): "dead letters refused \(times) times"
        case .look: "look at everything"
        }
    }
}

extension Entry: CustomStringConvertible {
    package var description: String {
        var words = "\(kind)"
        if let time { words += " at \(time)" }
        if let id { words += " id \(id)" }
        return words
    }
}
