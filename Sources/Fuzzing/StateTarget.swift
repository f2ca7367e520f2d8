internal import Checkpoints
internal import ContentVectors
internal import Events
internal import Foundation
internal import Learners
internal import State
internal import StreamLearning

/// A state file that is not what was written, with or without a write-ahead log beside it, is refused in words or read as
/// what was written: never as anything else. Verifying it ends, and says what it finds in words.
struct StateTarget: FuzzTarget {
    private let file: ScratchFile
    /// A small one of few models, which is read soon, one of all models, and a larger one, whose tables have inner pages.
    private let bases: [StateBase]
    private let forgery = RowForgery()

    init() throws {
        file = try ScratchFile("state.sqlite")
        let path = file.path
        bases = try [
            StateBase(at: path, events: 12, then: 4, models: Array(ModelOptions.defaults.prefix(2))),
            StateBase(at: path, events: 12, then: 4), StateBase(at: path, events: 600, then: 100),
        ]
    }

    mutating func run(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> (tried: Int, taken: Int) {
        let base = numbers.pick(bases + [bases[0], bases[0], bases[1]])
        // What was written well by somebody who means no good is looked at less often: it takes a file to be made anew.
        return switch numbers.below(24) {
        case 0: (1, try runSigned(base, &numbers) ? 1 : 0)
        case 1, 2: (1, try runForged(base, &numbers) ? 1 : 0)
        default: (1, try runDamaged(base, &numbers) ? 1 : 0)
        }
    }

    /// Bytes that are not what was written: they are refused, or change nothing that is read.
    private func runDamaged(_ base: StateBase, _ numbers: inout FuzzNumbers) throws(FuzzFinding) -> Bool {
        let isLogged = numbers.happens(oneIn: 3)
        var bytes = isLogged ? base.mainBeforeLog : numbers.pick([base.main, base.mainAfterLog])
        var log = isLogged ? base.log : []
        if isLogged, !numbers.happens(oneIn: 3) {
            base.damage.change(log: &log, &numbers)
        } else if numbers.happens(oneIn: 6) {
            // Writes that the disk said it had done, of pages or of parts of them.
            base.damage.mix(
                &bytes, with: numbers.pick([base.main, base.mainBeforeLog, base.mainAfterLog]), &numbers)
        } else {
            for _ in 0...numbers.below(4) { base.damage.change(&bytes, &numbers) }
        }
        try put(bytes, log)
        // It takes longer than all else together; drawn last, so that the input is the same.
        let isWhole = numbers.happens(oneIn: 8) ? try verify(bytes) : nil
        return try isTaken(bytes) { () throws(StateError) in
            let digest = try base.load(file.path).digest()
            guard base.digests.contains(digest) else {
                throw StateError(
                    .notAState,
                    "\(Self.wrong) what was never written; verify found it whole: \(isWhole.map(String.init) ?? "not asked")"
                )
            }
        }
    }

    private static let wrong = "it was read as"

    private func put(_ bytes: [UInt8], _ log: [UInt8]) throws(FuzzFinding) {
        for suffix in ["-shm", "-journal"] { unlink(file.path + suffix) }
        if log.isEmpty {
            unlink(file.path + "-wal")
        } else {
            try ScratchFile.write(log, to: file.path + "-wal")
        }
        try file.write(bytes)
    }

    /// Whether it was, rather than refused in words.
    private func isTaken(
        _ input: [UInt8], _ body: () throws(StateError) -> Void
    ) throws(FuzzFinding) -> Bool {
        do throws(StateError) {
            try body()
            return true
        } catch {
            guard !error.message.isEmpty, !error.message.hasPrefix(Self.wrong) else {
                throw FuzzFinding(
                    what: error.message.isEmpty ? "refused without a word" : error.message, input: input)
            }
            return false
        }
    }

    private func verify(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try isTaken(bytes) { () throws(StateError) in
            let found = try StateFile.verify(path: file.path)
            _ = try StateFile.summary(path: file.path)
            _ = try StateFile.positions(path: file.path)
            guard found.problems.isEmpty else {
                throw StateError(.damaged, found.problems.joined(separator: "; "))
            }
        }
    }

    /// Rows that are malformed, with checksums that are theirs: what lies behind checksums has to bear them too. Whether it
    /// was taken.
    private func runSigned(_ base: StateBase, _ numbers: inout FuzzNumbers) throws(FuzzFinding) -> Bool {
        var delta = base.delta
        var words: [String] = []
        for _ in 0...numbers.below(3) { words.append(DeltaDamage.change(&delta, &numbers)) }
        StateBase.remove(file.path)
        return try isTaken(Array(words.joined(separator: "; ").utf8)) { () throws(StateError) in
            try StateFile.create(path: file.path, identity: base.identity, delta: delta)
            try look(base)
        }
    }

    /// The same by SQL: values of other kinds, rows that are missing or another's, tables that are something else; or pages
    /// that are damaged and signed as they are.
    private func runForged(_ base: StateBase, _ numbers: inout FuzzNumbers) throws(FuzzFinding) -> Bool {
        var bytes = base.main
        let statements = numbers.happens(oneIn: 4) ? [] : forgery.statements(&numbers)
        if statements.isEmpty { base.damage.change(&bytes, &numbers) }
        try put(bytes, [])
        return try isTaken(statements.isEmpty ? bytes : Array(statements.joined(separator: ";\n").utf8)) {
            () throws(StateError) in
            _ = try StateFile.forge(file.path, by: statements)
            try look(base)
        }
    }

    /// Whatever was taken has nothing in it that is no number.
    private func look(_ base: StateBase) throws(StateError) {
        let problems = Result { () throws(StateError) in try StateFile.verify(path: file.path).problems }
        guard let violation = base.violation(of: try base.load(file.path)) else { return }
        throw StateError(
            .notAState, "\(Self.wrong) a state in which \(violation); verify: \(problems)")
    }
}

/// A state of some users and items, as it was written: at rest, and with its last transaction in the write-ahead log.
struct StateBase {
    let options: StateOptions
    let identity: StateIdentity
    /// All of it.
    let delta: StateDelta
    /// What comes behind all that was written.
    private let next: IngestBatch
    private let first: IngestBatch
    let main: [UInt8]
    let mainBeforeLog: [UInt8]
    /// With the log folded in.
    let mainAfterLog: [UInt8]
    let log: [UInt8]
    /// Of what was written: of both states, and of the one before the log.
    private(set) var digests: Set<String> = []

    var damage: PageDamage { PageDamage(pageSize: pageSize) }

    private var pageSize: Int {
        let size = Int(main[16]) << 8 | Int(main[17])
        return size == 1 ? 65_536 : size
    }

    /// - Parameters:
    ///   - count: events of the file at rest.
    ///   - more: those of its last transaction.
    ///   - models: `nil` for one of each kind.
    init(at path: String, events count: Int, then more: Int, models: [ModelOptions]? = nil) throws {
        var options = StateOptions()
        options.factors = 8
        options.deterministic = true
        options.duplicatesWindow = 32
        options.content.isOn = false
        options.models =
            models ?? ModelOptions.defaults + [
                ModelOptions(name: "solved", learner: .als(.live, positive: PositiveRule(ratingMin: 4)))
            ]
        self.options = options
        next = try Self.batch(count + more..<count + more + 40)
        identity = StateIdentity(
            factors: options.factors,
            models: Dictionary(uniqueKeysWithValues: options.models.map { ($0.name, $0.learnerName) }),
            source: "fuzz")
        let state = LearnedState(options: options)
        let application = BatchApplication(state: state, options: LearningOptions())
        application.apply(try Self.batch(0..<count))
        Self.remove(path)
        try StateFile.create(path: path, identity: identity, delta: state.collectChanges())
        digests = []
        // It has a name of its own, at random: the same one here, so that an input can be made again.
        _ = try StateFile.forge(
            path,
            by: [
                "UPDATE checksums SET sum = 1234567890123456789 WHERE name = \'file\'",
                "UPDATE identity SET value = \'1234567890123456789\' WHERE key = \'file\'",
            ])
        // As a daemon leaves it.
        try StateFile(path: path, identity: identity).close()
        main = Array(try Data(contentsOf: URL(filePath: path)))
        // Marks are cleared now: what is collected next is what has changed since.
        let opened = try StateFile(path: path, identity: identity)
        application.apply(try Self.batch(count..<count + more))
        try opened.write(state.collectChanges())
        mainBeforeLog = Array(try Data(contentsOf: URL(filePath: path)))
        log = Array(try Data(contentsOf: URL(filePath: path + "-wal")))
        try opened.close()
        mainAfterLog = Array(try Data(contentsOf: URL(filePath: path)))
        first = try Self.batch(0..<count)
        delta = Self.learned(first, options).collectChanges()
        digests.insert(try load(path).digest())
        Self.remove(path)
        try Data(main).write(to: URL(filePath: path))
        digests.insert(try load(path).digest())
        Self.remove(path)
    }

    /// A state of the same events as the file at rest, in memory.
    func makeState() -> LearnedState { Self.learned(first, options) }

    private static func learned(_ batch: IngestBatch, _ options: StateOptions) -> LearnedState {
        let state = LearnedState(options: options)
        BatchApplication(state: state, options: LearningOptions()).apply(batch)
        return state
    }

    static func remove(_ path: String) {
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    }

    /// What a daemon would go on with.
    func load(_ path: String) throws(StateError) -> LearnedState {
        let file = try StateFile(path: path, identity: identity)
        let state = LearnedState(options: options)
        do throws(StateError) {
            try file.read(into: StateLoader(state: state, path: path))
        } catch {
            try? file.close()
            throw error
        }
        try file.close()
        return state
    }

    /// What is wrong with a state that was taken.
    ///
    /// - Parameter learns: as a daemon would find it that goes on learning from there.
    func violation(of state: LearnedState, learns: Bool = true) -> String? {
        if learns {
            _ = state.digest()
            BatchApplication(state: state, options: LearningOptions()).apply(next)
            _ = state.digest()
        }
        return state.violations().first {
            $0.contains("not finite") || $0.contains("which there is not")
        }
    }

    private static func batch(_ range: Range<Int>) throws -> IngestBatch {
        var numbers = FuzzNumbers(seed: 5, input: UInt64(range.lowerBound))
        var events: [LoggedEvent] = []
        for offset in range {
            let (user, item) = (
                try EntityID("u\(numbers.below(40))"), try EntityID("item-\(numbers.below(60))")
            )
            let kind: Event.Kind =
                switch numbers.below(12) {
                case 0:
                    .item(ItemDescription(item: item, title: "Item \(item)", tags: ["a", "b\(offset % 7)"]))
                case 1: .signal(user: user, item: item, name: "click")
                case 2: .hide(user: user, item: item)
                default: .rating(user: user, item: item, value: Float(1 + numbers.below(5)))
                }
            events.append(
                LoggedEvent(
                    token: Token(partition: 0, offset: Int64(offset)), logTime: 0,
                    event: Event(kind, time: 1_700_000_000_000 + Int64(offset))))
        }
        return IngestBatch(events: events, positions: [0: Int64(range.upperBound)])
    }
}
