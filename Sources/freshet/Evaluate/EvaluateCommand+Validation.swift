import ArgumentParser
import Evaluation
import EvaluationRuns
import EventLog
import Events
import Settings
import State

/// Which options go together.
extension EvaluateCommand {
    func validate() throws {
        guard fromLog == input.isEmpty else {
            throw ValidationError(
                "name a file of events with --input, or say --from-log; one of the two")
        }
        if asOf != nil, !fromLog { throw ValidationError("--as-of is for --from-log") }
        if let asOf, LogMoment(asOf) == nil {
            throw ValidationError("--as-of is '\(asOf)', allowed is \(LogMoment.allowed)")
        }
        try checkRanges()
        try checkCombinations()
        for (name, text) in [("--positive", positive), ("--filter", filter)] {
            guard ModelSettings.Positive(text) == nil else { continue }
            throw ValidationError("\(name) is '\(text)', allowed is \(ModelSettings.Positive.allowed)")
        }
        if ModelSettings.Positive(filter)?.weights != .any {
            throw ValidationError("--filter is '\(filter)', allowed is 'any', 'rating >= X' or 'rating > X'")
        }
        let texts = algorithm.map(\.text)
        if let twice = texts.first(where: { text in texts.count { $0 == text } > 1 }) {
            throw ValidationError("--algorithm \(twice) is given twice")
        }
    }

    private func checkRanges() throws {
        func check(_ name: String, _ value: String, _ isAllowed: Bool, _ allowed: String) throws {
            if !isAllowed { throw ValidationError("\(name) is \(value), allowed is \(allowed)") }
        }
        if let testFraction {
            try check(
                "--test-fraction", "\(testFraction)", testFraction > 0 && testFraction < 1, "above 0, below 1"
            )
        }
        if let splits { try check("--splits", "\(splits)", (1...100).contains(splits), "1 to 100") }
        for depth in depths { try check("--at", "\(depth)", (1...1000).contains(depth), "1 to 1000") }
        try check("--bootstrap", "\(bootstrap)", (0...100_000).contains(bootstrap), "0 to 100000")
        let isMultiple = (8...1024).contains(factors) && factors.isMultiple(of: 8)
        try check("--factors", "\(factors)", isMultiple, "8 to 1024, a multiple of 8")
        if let window { try check("--window", "\(window)", window >= 1, "1 or more") }
        let isHalfLife = popularityHalfLife == 0 || (1...1e9).contains(popularityHalfLife)
        try check("--popularity-half-life", "\(popularityHalfLife)", isHalfLife, "1 to 1e9, or 0 for none")
        if let shards { try check("--shards", "\(shards)", (1...256).contains(shards), "1 to 256") }
        if let negatives, let count = Int(negatives) {
            try check("--negatives", negatives, count >= 1, "1 or more, or a file")
        }
    }

    private func checkCombinations() throws {
        if byTime && byUser { throw ValidationError("--by-time and --by-user are two ways; name one") }
        if (byTime || byUser) && protocolName != .holdout {
            throw ValidationError("--by-time and --by-user are for --protocol holdout")
        }
        if holdOut != nil {
            guard protocolName == .holdout else {
                throw ValidationError("--hold-out is for --protocol holdout")
            }
            if byTime || byUser || validation || negatives != nil || output != nil {
                throw ValidationError(
                    "--hold-out draws whole items or users: not with --by-time, --by-user, --validation, --negatives or "
                        + "--output")
            }
        } else if splits != nil {
            throw ValidationError("--splits is for --hold-out")
        }
        if let ratingsMin {
            guard protocolName == .similarity else {
                throw ValidationError("--ratings-min is for --protocol similarity")
            }
            guard ratingsMin >= 2 else {
                throw ValidationError("--ratings-min is \(ratingsMin), allowed is 2 or more")
            }
        }
        if protocolName == .similarity, output != nil || plot != nil {
            throw ValidationError("--output and --plot draw curves, and similarity has none")
        }
        let hasFile = negatives.map { Int($0) == nil } ?? false
        if negatives != nil, protocolName != .holdout, protocolName != .leaveOneOut {
            throw ValidationError("--negatives is for --protocol holdout and leave-one-out")
        }
        if hasFile, protocolName != .leaveOneOut {
            throw ValidationError(
                "a file of negatives names the pairs to leave out: --protocol leave-one-out")
        }
        if !hasFile, negativesUsers != nil || negativesItems != nil {
            throw ValidationError(
                "--negatives-users and --negatives-items explain a file; name it with --negatives")
        }
        if validation, protocolName != .holdout, protocolName != .leaveOneOut {
            throw ValidationError("--validation is for --protocol holdout and leave-one-out")
        }
        if !isBatch, factors > 512 {
            throw ValidationError("--factors is \(factors), allowed is 8 to 512, as for the daemon")
        }
        if seen != nil, isBatch, protocolName != .leaveOneOut {
            throw ValidationError("--seen is for --protocol prequential and leave-one-out")
        }
        if isOfBaskets, validation || negatives != nil {
            throw ValidationError("--validation and --negatives are for --seen exclude")
        }
        if let seen, SeenRule(seen) == nil {
            throw ValidationError("--seen is '\(seen)', allowed is \(SeenRule.allowed)")
        }
        guard (1...1_000_000).contains(sample) else {
            throw ValidationError("--sample is \(sample), allowed is 1 to 1000000")
        }
        if protocolName != .prequential, sample > 1 || disliked {
            throw ValidationError("--sample and --disliked are for --protocol prequential")
        }
        if oracle != nil {
            guard protocolName == .prequential else {
                throw ValidationError("--oracle is for --protocol prequential")
            }
            if filter != "any" { throw ValidationError("--oracle speaks of all events: not with --filter") }
            if let seen, seen.hasPrefix("after") {
                throw ValidationError("--oracle is for --seen exclude and allow")
            }
        }
        if protocolName != .prequential, window != nil {
            throw ValidationError("--window is for --protocol prequential")
        }
    }
}
